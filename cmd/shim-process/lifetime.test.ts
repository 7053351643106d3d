// When a shim ends, and which tasks it ends before, by tasks that are nothing but their states.
import { expect, test } from "vitest";
import { silentLogger } from "../../api/core/log.js";
import type { TaskStatus } from "../../api/core/task.js";
import { until } from "../../test/helpers/until.js";
import { Lifetime } from "./lifetime.js";

const BOUND = { "berth.io/lifetime": "daemon" };
const NO_TIME = { idleMs: 1, boundIdleMs: 1 };
const FOR_EVER = { idleMs: 3_600_000, boundIdleMs: 3_600_000 };

class World {
  readonly tasks: {
    readonly id: string;
    readonly annotations: Readonly<Record<string, string>>;
    state(): ReturnType<typeof stateOf>;
    kill(): Promise<void>;
  }[] = [];
  ended = 0;

  add(id: string, annotations: Readonly<Record<string, string>> = {}): void {
    let status: TaskStatus = "running";
    const kill = async (): Promise<void> => {
      status = "stopped";
    };
    this.tasks.push({ id, annotations, state: () => stateOf(id, status), kill });
  }

  lifetime(times: typeof NO_TIME): Lifetime {
    return new Lifetime({ tasks: () => this.tasks, log: silentLogger, end: () => (this.ended += 1), ...times });
  }

  statuses(): Record<string, TaskStatus> {
    return Object.fromEntries(this.tasks.map((task) => [task.id, task.state().status]));
  }
}

const stateOf = (containerId: string, status: TaskStatus) => ({
  containerId,
  execId: "",
  pid: 1,
  status,
  exitStatus: 0,
  exitedAtNs: undefined,
  stdin: "",
  stdout: "",
  stderr: "",
  terminal: false,
});

test("one that nobody dials ends, and one that has a connection or a task does not", async () => {
  const world = new World();
  using _idle = world.lifetime(NO_TIME);
  await until("the end", () => world.ended === 1);
  using busy = world.lifetime(FOR_EVER);
  world.add("t");
  busy.asked(true);
  world.tasks.pop();
  busy.asked(false);
  expect(world.ended).toBe(1);
  busy.asked(true);
  expect(world.ended).toBe(2);
});

test("the last connection takes the tasks along that are bound to the daemon", () => {
  const world = new World();
  world.add("bound", BOUND);
  world.add("free", { "berth.io/lifetime": "task" });
  using lifetime = world.lifetime(FOR_EVER);
  lifetime.connected(1);
  lifetime.connected(2);
  lifetime.connected(1);
  expect(world.statuses()).toEqual({ bound: "running", free: "running" });
  lifetime.connected(0);
  expect(world.statuses()).toEqual({ bound: "stopped", free: "running" });
});

test("a shim that has nothing but ended tasks of a daemon that is gone ends too", async () => {
  const world = new World();
  world.add("bound", BOUND);
  using lifetime = world.lifetime(NO_TIME);
  lifetime.connected(1);
  lifetime.connected(0);
  await until("the end", () => world.ended > 0);
});
