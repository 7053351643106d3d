import { expect, expectTypeOf, test } from "vitest";
import { toTimestamp } from "../../core/time.js";
import { anyOfMessage } from "../../core/typeurl.js";
import { ContainerUpdate } from "../../gen/events/container.js";
import { TaskExit } from "../../gen/events/task.js";
import { type DaemonEvent, type EventOf, toDaemonEvent } from "./daemon-event.js";

const at = { timestampNs: 5n, namespace: "n" };
const exit = TaskExit.fromPartial({
  ...{ containerId: "c", id: "e", pid: 7, exitStatus: 9 },
  exitedAt: toTimestamp(1_000_000_001n),
});

test("payloads are plain: no maps, times in nanoseconds, nothing of the wire", () => {
  const event = anyOfMessage("containerd.events.TaskExit", TaskExit, exit);
  expect(toDaemonEvent({ ...at, topic: "/tasks/exit", event })).toEqual({
    ...at,
    topic: "/tasks/exit",
    payload: { containerId: "c", id: "e", pid: 7, exitStatus: 9, exitedAtNs: 1_000_000_001n },
  });
  const update = ContainerUpdate.fromPartial({ id: "c", labels: new Map([["__proto__", "x"]]) });
  const updated = toDaemonEvent({
    ...at,
    topic: "/containers/update",
    event: anyOfMessage("containerd.events.ContainerUpdate", ContainerUpdate, update),
  });
  if (updated.topic !== "/containers/update") throw new Error(updated.topic);
  expect(Object.entries(updated.payload.labels)).toEqual([["__proto__", "x"]]);
});

test.each([
  ["another program's topic", "/my/topic", { typeUrl: "my.Type", value: Buffer.from("x") }],
  ["a topic with the payload of another", "/tasks/start", anyOfMessage("containerd.events.TaskExit", TaskExit, exit)],
  ["a damaged payload", "/tasks/exit", { typeUrl: "containerd.events.TaskExit", value: Buffer.from([0x0a, 0xff]) }],
  ["no payload", "/tasks/exit", undefined],
  ["what every object has", "constructor", undefined],
])("%s is an other, untouched", (_, topic, event) => {
  expect(toDaemonEvent({ ...at, topic, event })).toEqual({ ...at, topic: "other", name: topic, payload: event });
});

test("the topic tells the type", () => {
  const narrow = (event: DaemonEvent): void => {
    if (event.topic !== "/tasks/exit") return;
    expectTypeOf(event.payload.exitedAtNs).toEqualTypeOf<bigint | undefined>();
    expectTypeOf(event.payload.exitStatus).toEqualTypeOf<number>();
  };
  expectTypeOf(narrow).parameter(0).toEqualTypeOf<DaemonEvent>();
  expectTypeOf<EventOf<"/containers/update">["payload"]["labels"]>().toEqualTypeOf<Readonly<Record<string, string>>>();
});
