import { expect, test } from "vitest";
import { DisposeScope } from "../api/core/dispose.js";
import { toTimestamp } from "../api/core/time.js";
import { anyOfMessage } from "../api/core/typeurl.js";
import { TaskExit } from "../api/gen/events/task.js";
import { temporaryMetadata } from "../test/helpers/metadata.js";

test("an exit that was told is found by task, exec and pid, the newest first", async () => {
  await using scope = new DisposeScope();
  const { events } = await temporaryMetadata(scope);
  const exited = (namespace: string, containerId: string, id: string, pid: number, exitStatus: number) => ({
    timestampNs: 1n,
    namespace,
    topic: "/tasks/exit",
    event: anyOfMessage(
      "containerd.events.TaskExit",
      TaskExit,
      TaskExit.fromPartial({ containerId, id, pid, exitStatus, exitedAt: toTimestamp(5n) }),
    ),
  });
  await events.tell([
    exited("ns", "c", "c", 1, 7),
    exited("ns", "c", "e", 2, 8),
    exited("ns", "c", "c", 3, 9),
    exited("other", "c", "c", 1, 10),
  ]);
  const exitOf = (namespace: string, execId: string, pid: number) =>
    events.exitOf({ namespace, containerId: "c", execId, pid });
  expect(await exitOf("ns", "", 1)).toEqual({ pid: 1, exitStatus: 7, exitedAtNs: 5n });
  expect(await exitOf("ns", "e", 2)).toMatchObject({ exitStatus: 8 });
  expect(await exitOf("ns", "", 3)).toMatchObject({ exitStatus: 9 });
  expect(await exitOf("other", "", 1)).toMatchObject({ exitStatus: 10 });
  expect(await exitOf("ns", "e", 1)).toBeUndefined();
  expect(await exitOf("ns", "", 4)).toBeUndefined();
});
