// A program that dies, at times of our choosing.
import { expect, test } from "vitest";
import { ManualTimers } from "../../test/helpers/manual-timers.js";
import { supervise } from "./supervisor.js";

/** Of each launch how long it runs, with the reason of its end; the last one is repeated. */
function supervised(timers: ManualTimers, lives: readonly (readonly [ms: number, reason: string])[]) {
  const stop = new AbortController();
  const failures: string[] = [];
  let launches = 0;
  const end = supervise(
    {
      timers,
      launch: async () => {
        const [ms, reason] = lives[Math.min(launches, lives.length - 1)] ?? [0, ""];
        launches += 1;
        if (ms === 0) throw new Error(reason);
        return { ended: timers.sleep(ms).then(() => reason) };
      },
      onFailure: (reason) => failures.push(reason),
    },
    stop.signal,
  );
  return { end, stop, failures, launches: () => launches };
}

test("it is launched again as often as it dies", async () => {
  const timers = new ManualTimers();
  const { launches, failures } = supervised(timers, [
    [60_000, "first"],
    [60_000, "second"],
    [600_000, "third"],
  ]);
  await timers.advance(120_000);
  expect([launches(), failures]).toEqual([3, ["first", "second"]]);
});

test.each([
  ["that cannot be launched", 0],
  ["that dies every three seconds", 3_000],
])("a program %s is given up at its tenth failure", async (_, ms) => {
  const timers = new ManualTimers();
  const { end, launches } = supervised(timers, [[ms, "bad"]]);
  await timers.advance(30_000);
  expect(await end).toBe("bad");
  expect(launches()).toBe(10);
});

test("one that dies every four seconds never is", async () => {
  const timers = new ManualTimers();
  const { launches } = supervised(timers, [[4_000, "bad"]]);
  await timers.advance(400_000);
  expect(launches()).toBe(101);
});

test("nine failures at once are forgotten after half a minute", async () => {
  const timers = new ManualTimers();
  const quick = Array.from({ length: 9 }, () => [1, "quick"] as const);
  const { end, launches } = supervised(timers, [...quick, [31_000, "slow"], ...quick.slice(1), [5_000, "last"]]);
  await timers.advance(60_000);
  // Nine, the slow one, then eight within the half minute that it began: the last is the tenth of these.
  expect(await end).toBe("last");
  expect(launches()).toBe(19);
});

test("an end that is wanted is no failure", async () => {
  const timers = new ManualTimers();
  const { end, stop, failures, launches } = supervised(timers, [[1_000, "asked to"]]);
  stop.abort();
  await timers.advance(1_000);
  expect([await end, launches(), failures]).toEqual([undefined, 1, []]);
});
