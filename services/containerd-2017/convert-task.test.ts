import { expect, test } from "vitest";
import { fromTimestamp, toTimestamp } from "../../api/core/time.js";
import { TaskExit, TaskOOM, TaskPaused, TaskResumed } from "../../api/gen/events/task.js";
import { Event } from "../../api/gen/v2017/api/types/task/task.js";
import { EVENT_TOPICS, toEvent, toTask } from "./convert-task.js";

const [EXIT, OOM, PAUSED] = [0, 1, 5] as const;
const told = (topic: string, value: Uint8Array) =>
  toEvent({ timestampNs: 1n, namespace: "ns", topic, event: { typeUrl: "", value: Buffer.from(value) } });

test("events without a pid carry the container alone", () => {
  const oom = told("/tasks/oom", TaskOOM.encode(TaskOOM.fromPartial({ containerId: "c" })).finish());
  expect(oom).toEqual(Event.fromPartial({ id: "c", type: OOM }));
  const paused = told("/tasks/paused", TaskPaused.encode(TaskPaused.fromPartial({ containerId: "c" })).finish());
  expect(paused).toEqual(Event.fromPartial({ id: "c", type: PAUSED }));
});

test("an exit of an exec is the container's, with pid, status and time", () => {
  const exit = { containerId: "c", id: "exec", pid: 7, exitStatus: 137, exitedAt: toTimestamp(5_000_000_007n) };
  const event = told("/tasks/exit", TaskExit.encode(TaskExit.fromPartial(exit)).finish());
  expect(event).toMatchObject({ id: "c", type: EXIT, pid: 7, exitStatus: 137 });
  expect(fromTimestamp(event?.exitedAt)).toBe(5_000_000_007n);
});

test("what nobody knew then, what is empty and what is broken are not told", () => {
  const resumed = TaskResumed.encode(TaskResumed.fromPartial({ containerId: "c" })).finish();
  expect(told("/tasks/resumed", resumed)).toBeUndefined();
  expect(EVENT_TOPICS).not.toContain("/tasks/resumed");
  expect(told("/tasks/exit", Buffer.from([0xff]))).toBeUndefined();
  expect(toEvent({ timestampNs: 1n, namespace: "ns", topic: "/tasks/exit", event: undefined })).toBeUndefined();
});

test.each([
  ["unknown", 0],
  ["created", 1],
  ["running", 2],
  ["stopped", 3],
  ["paused", 4],
  ["pausing", 2],
] as const)("a task that is %s has status %i, and both ids", (status, number) => {
  const state = { containerId: "c", execId: "", pid: 3, exitStatus: 0, exitedAtNs: undefined, status };
  const stdio = { stdin: "", stdout: "", stderr: "", terminal: false };
  expect(toTask({ ...state, ...stdio }, undefined)).toMatchObject({
    id: "c",
    containerId: "c",
    pid: 3,
    status: number,
  });
});
