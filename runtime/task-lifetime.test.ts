// Tasks that are bound to their daemon, with the fake driver: ended when it stops, and at the next start when it was killed.
import { expect, test } from "vitest";
import { taskVerdictCodec, VERDICT_TOPICS } from "../api/core/task-verdict.js";
import { FakeTasks } from "../test/helpers/fake-tasks.js";

const BOUND = { "berth.io/lifetime": "daemon" };

const verdicts = (fake: FakeTasks) =>
  fake.ledger.events
    .filter(({ topic }) => topic === VERDICT_TOPICS.ended)
    .map(({ event }) => taskVerdictCodec.decode(event?.value ?? Buffer.alloc(0)));

test("a daemon that stops ends the tasks that are bound to it, and no others", async () => {
  const fake = new FakeTasks();
  await fake.running("bound", undefined, BOUND);
  await fake.running("free", undefined, { "berth.io/lifetime": "task" });
  await fake.tasks[Symbol.asyncDispose]();
  expect(verdicts(fake)).toMatchObject([{ containerId: "bound", exitStatus: 137, reason: "its daemon ends" }]);
  await fake.restart().load();
  expect(await fake.tasks.get(fake.ctx, "bound", "")).toMatchObject({ status: "stopped", exitStatus: 137 });
  expect(await fake.tasks.get(fake.ctx, "free", "")).toMatchObject({ status: "running" });
});

test("one whose daemon was killed is ended by the next", async () => {
  const fake = new FakeTasks();
  await fake.running("bound", undefined, BOUND);
  await fake.restart().load();
  expect(verdicts(fake)).toMatchObject([{ containerId: "bound", exitStatus: 137, reason: "its daemon had ended" }]);
  expect(await fake.tasks.get(fake.ctx, "bound", "")).toMatchObject({ status: "stopped", exitStatus: 137 });
  await fake.tasks[Symbol.asyncDispose]();
  expect(verdicts(fake)).toHaveLength(1);
});
