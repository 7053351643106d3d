// The LXD driver over Debian's LXD: a task from its making to its end, and found again by the next driver.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { silentLogger } from "../../api/core/log.js";
import { systemClock } from "../../api/core/time.js";
import { anyOfJson } from "../../api/core/typeurl.js";
import type { CreateTask, DriverTask, RuntimeDriver, TaskGone } from "../../runtime/driver.js";
import { lxdDriver } from "../../runtime/drivers/lxd/driver.js";
import { LXD_OPTIONS_TYPE } from "../../runtime/drivers/lxd/options.js";
import { LXD_RUNTIME } from "../../runtime/drivers/lxd/task-file.js";
import { LXD_BUSYBOX, type Lxd, startLxd } from "../helpers/lxd.js";
import { MemoryLedger } from "../helpers/memory-stores.js";
import { requires } from "../helpers/requires.js";
import { tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const SIGKILL = 9;
const SIGTERM = 15;
const SIGUSR1 = 10;

describe.skipIf(requires.root() || requires.binary("lxd"))("the LXD driver", () => {
  const scope = new DisposeScope();
  const gone: TaskGone[] = [];
  let lxd: Lxd;
  let dir: string;
  let driver: RuntimeDriver;

  const newDriver = (): RuntimeDriver =>
    lxdDriver.create({
      rootDir: join(dir, "root"),
      stateDir: join(dir, "state"),
      address: join(dir, "berth.sock"),
      ttrpcAddress: join(dir, "berth.sock.ttrpc"),
      publishBinary: join(dir, "berthd"),
      debug: false,
      lxdSocket: lxd.socketPath,
      ledger: new MemoryLedger(),
      log: silentLogger,
      clock: systemClock,
      onTaskGone: async (task) => void gone.push(task),
    });
  const request = (id: string, options: object = { image: { alias: LXD_BUSYBOX } }): CreateTask => ({
    namespace: "default",
    id,
    runtime: LXD_RUNTIME,
    image: "",
    spec: Buffer.from("{}"),
    rootfs: [],
    stdin: "",
    stdout: "",
    stderr: "",
    terminal: false,
    checkpointPath: "",
    options: anyOfJson(LXD_OPTIONS_TYPE, options),
  });
  const running = async (id: string): Promise<DriverTask> => {
    const task = await driver.create(request(id));
    await task.start("");
    return task;
  };
  const instances = async (): Promise<string> => await lxd.must(["list", "--format", "csv", "--columns", "n"]);

  beforeAll(async () => {
    lxd = await startLxd(scope);
    dir = await tempDir(scope);
    driver = newDriver();
    scope.defer(() => driver[Symbol.asyncDispose]());
  }, 120_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  test("takes its own runtime only", () => {
    expect(lxdDriver.matches(LXD_RUNTIME)).toBe(true);
    expect(lxdDriver.matches("io.containerd.runc.v2")).toBe(false);
  });

  test("a task is made, started, paused, killed and removed", async () => {
    const task = await driver.create(request("web", { image: { alias: LXD_BUSYBOX }, config: { "user.x": "1" } }));
    expect(task).toMatchObject({ namespace: "default", id: "web", pid: 0, reportsEvents: false });
    expect(await task.state("")).toMatchObject({ status: "created", pid: 0 });
    expect(await lxd.must(["config", "get", "berth-default-web", "user.x"])).toBe("1");
    await expect(driver.create(request("web"))).rejects.toMatchObject({ kind: "unknown" });
    const { pid } = await task.start("");
    expect(pid).toBeGreaterThan(1);
    expect(await task.state("")).toMatchObject({ status: "running", pid });
    await expect(task.start("")).rejects.toThrow("cannot start a running process: unknown");
    await expect(task.delete("")).rejects.toThrow("failed to delete task: cannot delete a running process: unknown");
    await task.pause();
    expect(await task.state("")).toMatchObject({ status: "paused" });
    await task.resume();
    const waiting = task.wait("");
    await task.kill("", SIGKILL, true);
    expect(await waiting).toMatchObject({ pid, exitStatus: 128 + SIGKILL });
    await expect(task.kill("", SIGKILL, false)).rejects.toMatchObject({ kind: "not_found" });
    expect(await task.delete("")).toMatchObject({ pid, exitStatus: 128 + SIGKILL });
    expect(await instances()).toBe("");
    expect(await driver.hasRemains("default", "web")).toBe(false);
  });

  test("an init that is asked to end, and one that ends by itself, end well", async () => {
    const asked = await running("asked");
    await asked.kill("", SIGTERM, false);
    expect(await asked.wait("")).toMatchObject({ exitStatus: 0 });
    await asked.delete("");
    const own = await running("own");
    await lxd.run(["exec", "berth-default-own", "--", "kill", "-TERM", "1"]);
    expect(await own.wait("")).toMatchObject({ exitStatus: 0 });
    await own.delete("");
    expect(await instances()).toBe("");
  });

  test("a created task can be killed, and one that was not can be removed", async () => {
    const killed = await driver.create(request("killed"));
    await killed.kill("", SIGKILL, false);
    expect(await killed.wait("")).toMatchObject({ exitStatus: 128 + SIGKILL });
    await killed.delete("");
    const task = await driver.create(request("unused"));
    expect(await task.delete("")).toMatchObject({ exitStatus: 0, exitedAtNs: undefined });
    expect(await instances()).toBe("");
  });

  test("what it cannot do it says, and leaves nothing behind", async () => {
    const none = request("none", { image: { alias: "nope" } });
    await expect(driver.create(none)).rejects.toMatchObject({ kind: "not_found" });
    await expect(driver.create(request("none", {}))).rejects.toMatchObject({ kind: "invalid_argument" });
    const signal = AbortSignal.abort();
    await expect(driver.create(request("none"), signal)).rejects.toMatchObject({ kind: "cancelled" });
    expect(await driver.hasRemains("default", "none")).toBe(false);
    const task = await driver.create(request("some"));
    await expect(task.kill("", SIGUSR1, false)).rejects.toMatchObject({ kind: "not_implemented" });
    await expect(task.kill("", 99, false)).rejects.toThrow("invalid signal 99");
    await expect(task.state("e")).rejects.toMatchObject({ kind: "not_found" });
    await task.delete("");
  });

  test("whoever stops waiting is let go", async () => {
    const task = await driver.create(request("patient"));
    const patience = new AbortController();
    const waiting = task.wait("", patience.signal);
    patience.abort();
    await expect(waiting).rejects.toMatchObject({ kind: "cancelled" });
    await task.delete("");
  });

  test("an instance that somebody removes is told of once", async () => {
    const task = await running("lost");
    const waiting = task.wait("");
    await lxd.must(["delete", "-f", "berth-default-lost"]);
    expect(await waiting).toMatchObject({ exitStatus: 128 + SIGKILL });
    await until("the driver to tell", () => gone.length > 0);
    expect(gone).toMatchObject([{ namespace: "default", id: "lost", exit: { exitStatus: 128 + SIGKILL } }]);
    expect(await driver.hasRemains("default", "lost")).toBe(false);
  });

  // Last, as it ends what the others stand on for a while.
  test("the next driver finds them again, and an LXD that was killed too", async () => {
    const [first, second] = [await running("first"), await running("second")];
    const { pid } = first;
    await second.kill("", SIGKILL, false);
    await second.wait("");
    await driver[Symbol.asyncDispose]();
    await lxd.kill9();
    await lxd.restart();
    driver = newDriver();
    const found = new Map((await driver.load(async () => LXD_RUNTIME)).map((task) => [task.id, task]));
    expect([...found.keys()].sort()).toEqual(["first", "second"]);
    expect(await found.get("first")?.state("")).toMatchObject({ status: "running", pid });
    expect(await found.get("second")?.wait("")).toMatchObject({ exitStatus: 128 + SIGKILL });
    const waiting = found.get("first")?.wait("");
    await lxd.kill9();
    await lxd.restart();
    await found.get("first")?.kill("", SIGKILL, true);
    expect(await waiting).toMatchObject({ pid });
    for (const task of found.values()) await task.delete("");
    expect(await instances()).toBe("");
  });
});
