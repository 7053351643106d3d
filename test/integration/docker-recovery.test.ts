// What the ledger hears of tasks on Docker: every start and every end, once and in order, also of those that no daemon saw.
import { rm } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { decodeEvent } from "../../api/core/event-fields.js";
import { silentLogger } from "../../api/core/log.js";
import { systemClock } from "../../api/core/time.js";
import { dockerDriver } from "../../runtime/drivers/docker/driver.js";
import { TaskManager } from "../../runtime/task-manager.js";
import { type DockerEngine, startEngine } from "../helpers/docker-engine.js";
import { type DockerWorld, dockerWorld } from "../helpers/docker-world.js";
import { MemoryContainers } from "../helpers/memory-stores.js";
import { ociProcess } from "../helpers/oci-spec.js";
import { requires } from "../helpers/requires.js";
import { NO_STDIO } from "../helpers/task-host.js";
import { until } from "../helpers/until.js";

const SIGKILL = 9;
const FOREVER = ["sleep", "1000"];
/** It runs long enough for a busy engine to tell its pid. */
const seenToEnd = (exitStatus: number): string[] => ["sh", "-c", `sleep 0.5; exit ${exitStatus}`];

describe.skipIf(requires.containerd() || requires.binary("dockerd"))("the ledger of docker tasks", () => {
  const scope = new DisposeScope();
  let engine: DockerEngine;
  let own: DisposeScope;
  let world: DockerWorld;
  let containers: MemoryContainers;
  let tasks: TaskManager;

  beforeAll(async () => {
    engine = await startEngine(scope);
  });
  afterAll(() => scope[Symbol.asyncDispose]());
  beforeEach(async () => {
    own = new DisposeScope();
    world = await dockerWorld(own, engine);
    containers = new MemoryContainers();
    await startDaemon();
    own.defer(() => tasks[Symbol.asyncDispose]());
  });
  afterEach(() => own[Symbol.asyncDispose]());

  async function startDaemon(): Promise<void> {
    tasks = new TaskManager({
      ...world.deps,
      drivers: [dockerDriver],
      containers,
      ledger: world.ledger,
      log: silentLogger,
      clock: systemClock,
    });
    await tasks.load();
  }

  /** What happens in between is seen by nobody. */
  async function restartDaemon(meanwhile: () => Promise<unknown>): Promise<void> {
    await tasks[Symbol.asyncDispose]();
    await meanwhile();
    await startDaemon();
  }

  const ctx = (): { namespace: string } => ({ namespace: world.namespace });
  async function create(id: string, args: readonly string[] = FOREVER): Promise<void> {
    const { spec, image, runtime } = world.request(id, args);
    containers.add(world.namespace, id, { name: runtime }, { typeUrl: "", value: Buffer.from(spec) }, image);
    await tasks.create(ctx(), id, { ...NO_STDIO, rootfs: [] });
  }
  async function run(id: string, args?: readonly string[]): Promise<number> {
    await create(id, args);
    return (await tasks.start(ctx(), id, "")).pid;
  }
  async function exec(id: string, execId: string): Promise<number> {
    await tasks.exec(ctx(), id, execId, { ...NO_STDIO, spec: ociProcess(FOREVER) });
    return (await tasks.start(ctx(), id, execId)).pid;
  }

  /** Topics, with the numbers of starts and ends. */
  const told = (): unknown[][] =>
    world.ledger.events.map(({ topic, event }) => {
      const fields = (event && decodeEvent(event)) ?? {};
      const [pid, exitStatus, id, execId] = ["pid", "exit_status", "id", "exec_id"].map((name) => fields[name]);
      return [topic, id ?? execId, pid, exitStatus].filter((field) => field !== undefined);
    });
  const untilTold = async (topic: string, count = 1): Promise<void> =>
    void (await until(`${count} events ${topic}`, () => told().filter(([name]) => name === topic).length >= count));

  test("a life in order", async () => {
    const pid = await run("t", seenToEnd(7));
    await tasks.wait(ctx(), "t", "");
    await untilTold("/tasks/exit");
    expect(await tasks.delete(ctx(), "t")).toMatchObject({ pid, exitStatus: 7 });
    expect(told()).toEqual([
      ["/tasks/create"],
      ["/tasks/start", pid],
      ["/tasks/exit", "t", pid, 7],
      ["/tasks/delete", pid, 7],
    ]);
  });

  test("one that never ran, and the next of its name", async () => {
    await create("t");
    await tasks.delete(ctx(), "t");
    await create("t");
    await tasks.kill(ctx(), "t", "", { signal: SIGKILL, all: false });
    await tasks.delete(ctx(), "t");
    const topics = told().map(([topic]) => topic);
    const life = ["/tasks/create", "/tasks/exit", "/tasks/delete"];
    expect(topics).toEqual([...life, ...life]);
    expect(await world.ledger.openProcesses()).toEqual([]);
  });

  test("ends that no daemon saw", async () => {
    const pid = await run("t");
    const execPid = await exec("t", "e");
    await restartDaemon(async () => await engine.must(["kill", await world.containerId("t")]));
    await untilTold("/tasks/exit", 2);
    const exits = told().filter(([topic]) => topic === "/tasks/exit");
    expect(exits).toHaveLength(2);
    expect(exits).toEqual(
      expect.arrayContaining([
        ["/tasks/exit", "t", pid, 137],
        ["/tasks/exit", "e", execPid, 137],
      ]),
    );
    expect(await tasks.wait(ctx(), "t", "")).toMatchObject({ exitStatus: 137, pid });
    await tasks.delete(ctx(), "t");
    expect(await world.ledger.openProcesses()).toEqual([]);
  });

  test("an exec that outlives its daemon", async () => {
    await run("t");
    const pid = await exec("t", "e");
    await restartDaemon(async () => {});
    await tasks.kill(ctx(), "t", "e", { signal: SIGKILL, all: false });
    await untilTold("/tasks/exit");
    expect(told().at(-1)).toEqual(["/tasks/exit", "e", pid, 137]);
    expect(await tasks.deleteProcess(ctx(), "t", "e")).toMatchObject({ pid, exitStatus: 137 });
  });

  test("a start that no daemon lived to hear of", async () => {
    await create("t");
    await restartDaemon(async () => await engine.must(["start", await world.containerId("t")]));
    const [{ pid, status } = { pid: 0, status: "" }] = await tasks.list(ctx());
    expect(status).toBe("running");
    expect(told().at(-1)).toEqual(["/tasks/start", pid]);
    await tasks.kill(ctx(), "t", "", { signal: SIGKILL, all: true });
    await untilTold("/tasks/exit");
    await tasks.delete(ctx(), "t");
    expect(await world.ledger.openProcesses()).toEqual([]);
  });

  test("a life that no daemon saw, and so without a pid", async () => {
    await create("t", ["sh", "-c", "exit 5"]);
    await restartDaemon(async () => {
      const container = await world.containerId("t");
      await engine.must(["start", container]);
      await engine.must(["wait", container]);
    });
    await untilTold("/tasks/exit");
    expect(told().find(([topic]) => topic === "/tasks/exit")).toEqual(["/tasks/exit", "t", 5]);
    expect(await tasks.delete(ctx(), "t")).toMatchObject({ exitStatus: 5 });
    expect(told().map(([topic]) => topic)).toEqual([
      "/tasks/create",
      "/tasks/exit",
      "/berth/tasks/settled",
      "/tasks/delete",
    ]);
    expect(await world.ledger.openProcesses()).toEqual([]);
  });

  test("a task that somebody removed, and tasks whose host was started anew", async () => {
    const removed = await run("removed");
    await engine.must(["rm", "-f", await world.containerId("removed")]);
    await untilTold("/tasks/delete");
    expect(told().slice(2)).toEqual([
      ["/tasks/exit", "removed", removed, 137],
      ["/tasks/delete", removed, 137],
      ["/berth/tasks/lost", removed, 137],
    ]);
    expect(await tasks.list(ctx())).toEqual([]);
    const pid = await run("ended", seenToEnd(3));
    const seen = told().length;
    await restartDaemon(async () => {
      await until("it to end", async () => (await engine.must(["ps", "-q", "--no-trunc"])) === "");
      await rm(world.stateDir, { recursive: true });
    });
    expect(told().slice(seen)).toEqual(
      expect.arrayContaining([
        ["/tasks/exit", "ended", pid, 3],
        ["/tasks/delete", pid, 3],
      ]),
    );
    expect(await world.containers()).toEqual([]);
  });
});
