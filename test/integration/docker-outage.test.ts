// Tasks on Docker in hard times: the engine is killed and comes back, the driver lets go and another one takes over, somebody removes
// a container, a folder is gone. No end is lost, none is told of that did not happen, and nothing of anybody else's is touched.
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { listDir } from "../../runtime/bundle.js";
import type { DriverTask } from "../../runtime/driver.js";
import { DOCKER_RUNTIME } from "../../runtime/drivers/docker/names.js";
import { execOptions } from "../conformance/driver.js";
import { BUSYBOX, type DockerEngine, startEngine } from "../helpers/docker-engine.js";
import { type DockerWorld, dockerOptions, dockerWorld } from "../helpers/docker-world.js";
import { hang } from "../helpers/hang.js";
import { requires } from "../helpers/requires.js";
import { until } from "../helpers/until.js";

const SIGTERM = 15;
const SIGKILL = 9;
const FOREVER = ["sleep", "1000"];
/** Until SIGTERM. */
const TERMINABLE = ["sh", "-c", "trap 'exit 4' TERM; while :; do sleep 0.05; done"];

describe.skipIf(requires.containerd() || requires.binary("dockerd"))("a docker engine in hard times", () => {
  const scope = new DisposeScope();
  let engine: DockerEngine;
  let own: DisposeScope;
  let world: DockerWorld;

  beforeAll(async () => {
    engine = await startEngine(scope, { liveRestore: true });
  });
  afterAll(() => scope[Symbol.asyncDispose]());
  beforeEach(async () => {
    own = new DisposeScope();
    world = await dockerWorld(own, engine);
  });
  afterEach(() => own[Symbol.asyncDispose]());

  const create = (id: string, args: readonly string[] = FOREVER): Promise<DriverTask> =>
    world.driver.create(world.request(id, args));
  const running = async (id: string, args?: readonly string[]): Promise<DriverTask> => {
    const task = await create(id, args);
    await task.start("");
    return task;
  };
  const only = (tasks: readonly DriverTask[]): DriverTask => {
    const [task] = tasks;
    if (task === undefined || tasks.length > 1) throw new Error(`${tasks.length} tasks`);
    return task;
  };
  const bundles = (): Promise<string[]> => listDir(join(world.stateDir, DOCKER_RUNTIME, world.namespace));

  test("a task outlives its engine, and its end is told when the engine is back", async () => {
    const task = await running("t");
    const waiting = task.wait("");
    await engine.kill9();
    await expect(task.state("")).rejects.toMatchObject({ kind: "unavailable" });
    await expect(task.stats()).rejects.toMatchObject({ kind: "unavailable" });
    process.kill(task.pid, "SIGKILL");
    await engine.restart();
    expect(await waiting).toMatchObject({ exitStatus: 137, pid: task.pid });
    expect(await task.state("")).toMatchObject({ status: "stopped", exitStatus: 137 });
    await task.delete("");
    expect(await world.containers()).toEqual([]);
  });

  test("a task and its exec that go on are running when the engine is back", async () => {
    const task = await running("t");
    await task.exec("e", execOptions(...FOREVER));
    const { pid } = await task.start("e");
    await engine.kill9();
    await engine.restart();
    expect(await until("the task to tell its state", () => task.state(""))).toMatchObject({ status: "running" });
    expect(await task.state("e")).toMatchObject({ status: "running", pid });
    const waiting = task.wait("e");
    await task.kill("e", SIGKILL, false);
    await until("the exec to be told of as ended", async () => (await task.state("e")).status === "stopped");
    expect((await waiting).pid).toBe(pid);
    await task.kill("", SIGKILL, false);
    expect(await task.wait("")).toMatchObject({ exitStatus: 137 });
  });

  test("an engine that ends its containers when it comes back tells so", async () => {
    const settings = join(engine.dir, "daemon.json");
    await writeFile(settings, JSON.stringify({ "live-restore": false }));
    try {
      await engine.restart();
      const task = await running("t", TERMINABLE);
      const created = await create("created", TERMINABLE);
      const waiting = task.wait("");
      await engine.kill9();
      await engine.restart();
      const exit = await waiting;
      expect(exit).toMatchObject({ exitStatus: 4, pid: task.pid });
      expect(await created.start("")).toEqual({ pid: created.pid });
      expect(world.gone).toEqual([]);
      await task.delete("");
    } finally {
      await writeFile(settings, JSON.stringify({ "live-restore": true }));
      await engine.restart();
    }
  });

  test("without an engine nothing is made, and nothing stays of it", async () => {
    const task = await create("t");
    await engine.kill9();
    await expect(create("other")).rejects.toMatchObject({ kind: "unavailable" });
    await expect(task.start("")).rejects.toMatchObject({ kind: "unavailable" });
    await expect(task.delete("")).rejects.toMatchObject({ kind: "unavailable" });
    expect(await bundles()).toEqual(["t"]);
    await engine.restart();
    await task.start("");
    expect(await task.state("")).toMatchObject({ status: "running" });
  });

  test("an engine that hangs is not waited for", async () => {
    const task = await running("t");
    await hang(engine.pid);
    try {
      await expect(task.state("")).rejects.toMatchObject({ kind: "deadline_exceeded" });
    } finally {
      process.kill(engine.pid, "SIGCONT");
    }
    expect(await task.state("")).toMatchObject({ status: "running" });
  });

  test("a start waits for an engine that answers late", async () => {
    const task = await create("t");
    await hang(engine.pid);
    const starting = task.start("");
    starting.catch(() => {});
    try {
      // Asked later and given up earlier.
      await expect(task.state("")).rejects.toMatchObject({ kind: "deadline_exceeded" });
    } finally {
      process.kill(engine.pid, "SIGCONT");
    }
    await starting;
    expect(await task.state("")).toMatchObject({ status: "running" });
  });

  test("a driver that comes back without an engine has its tasks, and hears of their end later", async () => {
    const { pid } = await running("t");
    await world.letGo();
    await engine.kill9();
    const task = only(await world.load());
    expect(task.pid).toBe(pid);
    await expect(task.state("")).rejects.toMatchObject({ kind: "unavailable" });
    const waiting = task.wait("");
    await engine.restart();
    await task.kill("", SIGKILL, false);
    expect(await waiting).toMatchObject({ exitStatus: 137, pid });
  });

  test("what happened while there was no driver is known to the next one", async () => {
    const ended = await running("ended", TERMINABLE);
    const removed = await running("removed");
    const created = await create("created");
    await world.letGo();
    await engine.must(["kill", "-s", "TERM", await world.containerId("ended")]);
    await engine.must(["rm", "-f", await world.containerId("removed")]);
    const tasks = new Map((await world.load()).map((task) => [task.id, task]));
    expect([...tasks.keys()].sort()).toEqual(["created", "ended"]);
    expect(world.gone).toMatchObject([
      { id: "removed", exit: { pid: removed.pid, exitStatus: 255 }, isExitKnown: false },
    ]);
    expect(await tasks.get("ended")?.state("")).toMatchObject({
      status: "stopped",
      exitStatus: 4,
      pid: ended.pid,
    });
    expect(await tasks.get("created")?.state("")).toMatchObject({ status: "created", pid: created.pid });
    expect(await bundles()).toEqual(expect.arrayContaining(["created", "ended"]));
  });

  test("execs are found again, started and not", async () => {
    const before = await running("t");
    await before.exec("ran", execOptions("sh", "-c", "exit 6"));
    await before.start("ran");
    await before.wait("ran");
    await before.exec("runs", execOptions(...FOREVER));
    const { pid } = await before.start("runs");
    await before.exec("later", execOptions("sh", "-c", "exit 8"));
    const task = only(await world.reload());
    expect(await task.state("ran")).toMatchObject({ status: "stopped", exitStatus: 6 });
    expect(await task.state("runs")).toMatchObject({ status: "running", pid });
    expect(await task.startedExecs?.()).toEqual(["ran", "runs"]);
    const waiting = task.wait("later");
    await task.start("later");
    expect(await waiting).toMatchObject({ exitStatus: 8 });
    await task.kill("runs", SIGKILL, false);
    expect(await task.wait("runs")).toMatchObject({ exitStatus: 137 });
  });

  test("a stopped task whose container somebody removes is gone, with its true exit", async () => {
    const task = await running("t", ["sh", "-c", "exit 7"]);
    await task.wait("");
    await engine.must(["rm", await world.containerId("t")]);
    await until("it to be told of as gone", () => world.gone.length > 0);
    expect(world.gone).toMatchObject([{ id: "t", exit: { exitStatus: 7, pid: task.pid }, isExitKnown: true }]);
    expect(await bundles()).toEqual([]);
  });

  test("after a reboot a container without a bundle is removed and told of; others are not touched", async () => {
    await engine.must(["run", "-d", "--name", "foreign", "--label", "io.berth.owner=somebody", BUSYBOX, ...FOREVER]);
    own.defer(() => engine.must(["rm", "-f", "foreign"]));
    await running("runs");
    await (await running("ended", ["sh", "-c", "exit 3"])).wait("");
    await world.letGo();
    await rm(world.stateDir, { recursive: true });
    expect(await world.load()).toEqual([]);
    const gone = [...world.gone].sort((a, b) => (a.id < b.id ? -1 : 1));
    expect(gone).toMatchObject([
      { id: "ended", exit: { exitStatus: 3 }, isExitKnown: true },
      { id: "runs", exit: { exitStatus: 255 }, isExitKnown: false },
    ]);
    expect(await world.containers()).toEqual([]);
    expect(await engine.must(["inspect", "-f", "{{.State.Running}}", "foreign"])).toBe("true");
  });

  test("a create that was cut off is cleaned up and told of once", async () => {
    await running("t");
    await world.letGo();
    await rm(join(world.stateDir, DOCKER_RUNTIME, world.namespace, "t", "task.json"));
    await mkdir(join(world.stateDir, DOCKER_RUNTIME, world.namespace, "empty"));
    expect(await world.load()).toEqual([]);
    expect(world.gone.map(({ id, isExitKnown }) => [id, isExitKnown]).sort()).toEqual([
      ["empty", false],
      ["t", false],
    ]);
    expect(await world.containers()).toEqual([]);
    expect(await bundles()).toEqual([]);
  });

  const createSmall = (id: string, args: readonly string[]): Promise<DriverTask> => {
    const request = world.request(id, args);
    const spec: { linux: { resources: object } } = JSON.parse(Buffer.from(request.spec).toString());
    spec.linux.resources = { ...spec.linux.resources, memory: { limit: 8_000_000 } };
    return world.driver.create({ ...request, spec: Buffer.from(JSON.stringify(spec)) });
  };
  const toldOom = (): unknown[] => world.ledger.events.filter(({ topic }) => topic === "/tasks/oom");

  test("of memory that runs out at once the kernel has told when the engine has not", async () => {
    const task = await createSmall("t", ["tail", "-c", "400000000", "/dev/zero"]);
    await task.start("");
    expect(await task.wait("")).toMatchObject({ exitStatus: 137 });
    expect(toldOom()).toHaveLength(1);
    expect(task.exitDetails?.("")).toMatchObject({ isOutOfMemory: true });
  });

  test("memory that runs out is told of", async () => {
    // The engine does not hear of what comes before it listens, and the kernel logs but few of many for all tests.
    const script = "while :; do dd if=/dev/zero of=/dev/null bs=64M; sleep 1; done";
    const task = await createSmall("t", ["sh", "-c", script]);
    await task.start("");
    await until("the ledger to hear of it", () => toldOom().length > 0);
    expect(await task.state("")).toMatchObject({ status: "running" });
  });

  test("a signal for all reaches every process", async () => {
    const script = "trap 'exit 9' TERM; sh -c 'trap \"exit 0\" TERM; while :; do sleep 0.05; done' & wait $!; exit 5";
    const task = await running("t", ["sh", "-c", script]);
    await until("all processes to be there", async () => (await task.pids()).length >= 2);
    await task.kill("", SIGTERM, true);
    expect((await task.wait("")).exitStatus).toBeOneOf([5, 9]);
  });

  test("a name that somebody else has is not taken from him", async () => {
    const name = `berth-${world.namespace}-t`;
    await engine.must(["create", "--name", name, BUSYBOX]);
    own.defer(() => engine.must(["rm", "-f", name]));
    const task = await running("t");
    expect(await task.state("")).toMatchObject({ status: "running" });
    const chosen = world.request("other", FOREVER, { options: dockerOptions({ name }) });
    await expect(world.driver.create(chosen)).rejects.toMatchObject({ kind: "already_exists" });
    expect(await world.containers()).toEqual(["t"]);
  });

  test("whoever gives up a create leaves nothing", async () => {
    const controller = new AbortController();
    const creating = world.driver.create(world.request("t", FOREVER), controller.signal);
    controller.abort();
    await expect(creating).rejects.toMatchObject({ kind: "cancelled" });
    expect(await world.containers()).toEqual([]);
    expect(await bundles()).toEqual([]);
  });

  test("an unknown image, a spec that asks for more, options of another runtime", async () => {
    const refused = async (more: object, kind: string): Promise<void> => {
      await expect(world.driver.create(world.request("t", FOREVER, more))).rejects.toMatchObject({ kind });
      expect(await bundles()).toEqual([]);
    };
    await refused({ image: "" }, "invalid_argument");
    await refused({ image: "berth.test/none:1", options: dockerOptions({ pull: "never" }) }, "not_found");
    await refused({ spec: Buffer.from("{") }, "invalid_argument");
    await refused({ options: { typeUrl: "another.Options", value: Buffer.alloc(0) } }, "invalid_argument");
    await refused({ checkpointPath: "/somewhere" }, "not_implemented");
    expect(await world.containers()).toEqual([]);
  });
});
