// What is told before whoever knows it forgets: a daemon may die between any two steps of a delete.
import { expect, test } from "vitest";
import { TaskExit } from "../api/gen/events/task.js";
import { execOf, FakeTasks } from "../test/helpers/fake-tasks.js";
import type { DriverDefinition, DriverTask } from "./driver.js";
import { type FakeWorld, fakeDriver } from "./drivers/fake/driver.js";

/** The fake driver with tasks whose events get lost on their way, as a shim's do that cannot reach its daemon. */
function muteDriver(world: FakeWorld, onDelete: (execId: string) => void): DriverDefinition {
  const definition = fakeDriver(world);
  const mute = (task: DriverTask): DriverTask => {
    const remove = task.delete.bind(task);
    return Object.defineProperties(task, {
      reportsEvents: { value: true },
      delete: {
        value: async (execId: string) => {
          onDelete(execId);
          return await remove(execId);
        },
      },
    });
  };
  return {
    ...definition,
    create: (deps) => {
      const driver = definition.create(deps);
      const create = driver.create.bind(driver);
      return Object.defineProperty(driver, "create", {
        value: async (...args: Parameters<typeof create>) => mute(await create(...args)),
      });
    },
  };
}

test("how a process ended is in the ledger before its shim is told to forget it", async () => {
  const told = new Map<string, string[]>();
  const exits = (): string[] =>
    host.ledger.events
      .filter(({ topic }) => topic === "/tasks/exit")
      .map(({ event }) => TaskExit.decode(event?.value ?? Buffer.alloc(0)))
      .map(({ id, exitStatus }) => `${id}: ${exitStatus}`);
  const host = new FakeTasks((world) => muteDriver(world, (execId) => told.set(execId, exits())));
  const { ctx, tasks } = host;
  await host.running("c");
  await tasks.exec(ctx, "c", "e", execOf("sh", "-c", "exit 85"));
  await tasks.start(ctx, "c", "e");
  await tasks.wait(ctx, "c", "e");
  await tasks.deleteProcess(ctx, "c", "e");
  expect(told.get("e")).toEqual(["e: 85"]);

  await tasks.kill(ctx, "c", "", { signal: 9, all: false });
  await tasks.wait(ctx, "c", "");
  await tasks.delete(ctx, "c");
  expect(told.get("")).toEqual(["e: 85", "c: 137"]);
  expect(exits()).toEqual(["e: 85", "c: 137"]);
});
