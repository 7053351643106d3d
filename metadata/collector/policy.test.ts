// The collector's timetable with made-up times, in milliseconds.
import { describe, expect, test } from "vitest";
import { CollectorPolicy, type CollectorPolicyConfig, DEFAULT_POLICY } from "./policy.js";

const policy = (config: Partial<CollectorPolicyConfig> = {}) =>
  new CollectorPolicy({ ...DEFAULT_POLICY, startupDelayMs: 0, ...config }, 0);

/** One that ran at 0 and took `pauseMs`, and whose tick at the end of the interval has passed with nothing to do. */
function quiet(config: Partial<CollectorPolicyConfig> = {}, pauseMs = 0): CollectorPolicy {
  const machine = policy(config);
  machine.trigger(0);
  machine.tick();
  machine.ran(pauseMs, 0);
  expect(machine.tick()).toBe(false);
  return machine;
}

function mutate(machine: CollectorPolicy, times: number, nowMs: number): void {
  for (let done = 0; done < times; done += 1) machine.mutated(false, nowMs);
}

describe("the first run", () => {
  test.each([
    [100, 100],
    [0, undefined],
  ])("with a startup delay of %i is due at %s", (startupDelayMs, due) => {
    expect(policy({ startupDelayMs }).dueMs).toBe(due);
  });

  test("happens even if nothing did", () => {
    expect(policy({ startupDelayMs: 100 }).tick()).toBe(true);
  });

  test("does not hold back a deletion", () => {
    const machine = policy({ startupDelayMs: 100 });
    machine.mutated(true, 10);
    expect(machine.dueMs).toBe(10);
    expect(machine.tick()).toBe(true);
    machine.ran(0, 11);
    expect(machine.dueMs).toBe(11 + 245);
  });
});

describe("a deletion", () => {
  test("of a quiet daemon is due at once, or after the delay", () => {
    for (const scheduleDelayMs of [0, 30]) {
      const machine = quiet({ scheduleDelayMs });
      machine.mutated(true, 1_000);
      expect(machine.dueMs).toBe(1_000 + scheduleDelayMs);
      expect(machine.tick()).toBe(true);
    }
  });

  test("soon after a run waits for the tick", () => {
    const machine = policy();
    machine.trigger(0);
    machine.tick();
    machine.ran(10, 0);
    machine.mutated(true, 5);
    expect(machine.dueMs).toBe(490);
  });

  test("during a run waits for the tick as well", () => {
    const machine = policy();
    machine.trigger(0);
    machine.tick();
    machine.mutated(true, 3);
    expect(machine.dueMs).toBeUndefined();
    machine.ran(10, 10);
    expect(machine.dueMs).toBe(500);
    expect(machine.tick()).toBe(true);
  });

  test("below the threshold is not due by itself, and is with it", () => {
    const machine = quiet({ deletionThreshold: 3 });
    machine.mutated(true, 1);
    machine.mutated(true, 2);
    expect(machine.dueMs).toBeUndefined();
    machine.mutated(true, 3);
    expect(machine.dueMs).toBe(3);
  });

  test("makes what follows count as deletions", () => {
    const machine = quiet({ deletionThreshold: 3 });
    machine.mutated(true, 1);
    mutate(machine, 2, 2);
    expect(machine.dueMs).toBe(2);
  });

  test("at the threshold moves a tick that was due later", () => {
    const machine = policy({ deletionThreshold: 1 });
    machine.trigger(0);
    machine.tick();
    machine.ran(10, 0);
    machine.mutated(true, 7);
    expect(machine.dueMs).toBe(7);
  });

  test("below the threshold still makes a tick run", () => {
    const machine = policy({ deletionThreshold: 10 });
    machine.trigger(0);
    machine.tick();
    machine.ran(0, 0);
    machine.mutated(true, 1);
    expect(machine.dueMs).toBe(245);
    expect(machine.tick()).toBe(true);
  });
});

describe("other mutations", () => {
  test("make nothing due until there are enough", () => {
    const machine = quiet();
    mutate(machine, 99, 1);
    expect(machine.dueMs).toBeUndefined();
    machine.mutated(false, 2);
    expect(machine.dueMs).toBe(2);
    expect(machine.tick()).toBe(true);
  });

  test("never do with a threshold of 0", () => {
    const machine = quiet({ mutationThreshold: 0 });
    mutate(machine, 1_000, 1);
    expect(machine.dueMs).toBeUndefined();
  });

  test("count from the last run", () => {
    const machine = quiet();
    mutate(machine, 99, 1);
    machine.trigger(2);
    machine.tick();
    machine.ran(0, 2);
    machine.mutated(false, 3);
    expect(machine.tick()).toBe(false);
  });
});

describe("somebody who waits", () => {
  test("has a run that is due after the delay, sooner than any tick", () => {
    const machine = policy({ scheduleDelayMs: 20, startupDelayMs: 100 });
    machine.trigger(5);
    expect(machine.dueMs).toBe(25);
    machine.trigger(10);
    expect(machine.dueMs).toBe(25);
    expect(machine.tick()).toBe(true);
  });

  test("has one of its own when a run is under way", () => {
    const machine = policy();
    machine.trigger(0);
    machine.tick();
    machine.trigger(3);
    machine.ran(5, 10);
    expect(machine.dueMs).toBe(3);
    expect(machine.tick()).toBe(true);
  });
});

describe("the interval", () => {
  test.each([
    ["is such that pauses take their share", 0.02, [20], 980],
    ["goes by the mean of all pauses", 0.02, [10, 30], 980],
    ["takes short pauses for 5 ms", 0.02, [0.1], 245],
    ["is as long as the pause at the greatest share", 0.5, [20], 20],
    ["is no longer than a timer can wait", 1e-12, [20], 2 ** 31 - 1],
    ["is a second for a share of 0", 0, [20], 1_000],
  ])("%s", (_what, pauseThreshold, pausesMs, intervalMs) => {
    const machine = policy({ pauseThreshold });
    for (const pauseMs of pausesMs) {
      machine.trigger(0);
      machine.tick();
      machine.ran(pauseMs, 0);
    }
    expect(machine.dueMs).toBeCloseTo(intervalMs, 6);
  });
});

describe("a failed run", () => {
  test("is tried again after the last interval and a second", () => {
    const machine = quiet({}, 20);
    machine.trigger(2_000);
    machine.tick();
    machine.failed(2_000);
    expect(machine.dueMs).toBeCloseTo(3_980, 6);
    expect(machine.tick()).toBe(true);
  });

  test.each([
    [0, 1_000],
    [40, 40],
  ])("that was the first one, with a delay of %i, after %i", (scheduleDelayMs, delayMs) => {
    const machine = policy({ scheduleDelayMs });
    machine.trigger(0);
    machine.tick();
    machine.failed(7);
    expect(machine.dueMs).toBe(7 + delayMs);
  });

  test("lets nobody wait who asked during it", () => {
    const machine = policy();
    machine.trigger(0);
    machine.tick();
    machine.trigger(5);
    machine.failed(7);
    expect(machine.dueMs).toBe(5);
  });
});
