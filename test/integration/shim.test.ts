import { expect, test } from "vitest";
import { TaskHost } from "../helpers/task-host.js";

test("a container runs from create to delete", async () => {
  await using host = await TaskHost.start();
  const { pid } = await host.task("one", ["sh", "-c", "exit 7"]);
  expect(pid).toBeGreaterThan(0);
  const waiting = host.tasks.wait(host.ctx, "one", "");
  expect(await host.tasks.start(host.ctx, "one", "")).toEqual({ pid });
  expect(await waiting).toMatchObject({ exitStatus: 7 });
  expect(await host.tasks.delete(host.ctx, "one")).toMatchObject({ pid, exitStatus: 7 });
  await host.untilEvents("/tasks/delete");
  expect(host.events().map(({ topic }) => topic)).toEqual([
    "/tasks/create",
    "/tasks/start",
    "/tasks/exit",
    "/tasks/delete",
  ]);
  expect(await host.leftovers("one")).toEqual([]);
});
