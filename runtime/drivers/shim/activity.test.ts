import { expect, test, vi } from "vitest";
import { Activity } from "./activity.js";

const never = new AbortController().signal;
const FAR_MS = 1_000_000;

test("it is quiet at once when nothing has been asked yet, and soon when the last task has ended", async () => {
  const activity = new Activity();
  await activity.quiet(FAR_MS, FAR_MS, never);
  activity.begin()[Symbol.dispose]();
  activity.rest();
  await activity.quiet(FAR_MS, FAR_MS, never);
});

test("who ends a task may put its container away first", async () => {
  const clock = vi.spyOn(performance, "now").mockReturnValue(0);
  try {
    const activity = new Activity();
    activity.rest();
    let isQuiet = false;
    const waiting = activity.quiet(FAR_MS, FAR_MS, never).then(() => {
      isQuiet = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isQuiet).toBe(false);
    clock.mockReturnValue(1_000);
    await waiting;
  } finally {
    clock.mockRestore();
  }
});

test("what is under way is waited for, and what is disposed twice counts once", async () => {
  const activity = new Activity();
  const [first, second] = [activity.begin(), activity.begin()];
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  let isQuiet = false;
  const waiting = activity.quiet(0, FAR_MS, never).then(() => {
    isQuiet = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isQuiet).toBe(false);
  second[Symbol.dispose]();
  await waiting;
});

test("the limit and the signal end the waiting", async () => {
  const activity = new Activity();
  using _busy = activity.begin();
  await activity.quiet(0, 0, never);
  const controller = new AbortController();
  const waiting = activity.quiet(0, FAR_MS, controller.signal);
  controller.abort();
  await waiting;
});
