// The LXD driver over Debian's LXD: what only it does, with instances that it makes and with those that are there.
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import type { Discovery } from "../../api/core/doctor.js";
import { anyOfJson, LINUX_RESOURCES_TYPE } from "../../api/core/typeurl.js";
import type { DriverExamination, DriverTask } from "../../runtime/driver.js";
import { LXD_RUNTIME } from "../../runtime/drivers/lxd/names.js";
import { execOptions } from "../conformance/driver.js";
import { endBridge } from "../helpers/docker-bridge.js";
import { initListens, LXD_BUSYBOX, type Lxd, startLxd } from "../helpers/lxd.js";
import { type LxdWorld, lxdWorld } from "../helpers/lxd-world.js";
import { requires } from "../helpers/requires.js";
import { until } from "../helpers/until.js";

const SIGKILL = 9;
const SIGTERM = 15;
const SIGUSR1 = 10;
const MEBIBYTE = 1024 * 1024;

describe.skipIf(requires.root() || requires.binary("lxd"))("tasks of LXD", () => {
  const all = new DisposeScope();
  let scope: DisposeScope;
  let lxd: Lxd;
  let world: LxdWorld;
  beforeAll(async () => {
    lxd = await startLxd(all);
  }, 120_000);
  beforeEach(async () => {
    scope = new DisposeScope();
    world = await lxdWorld(scope, lxd);
    return () => scope[Symbol.asyncDispose]();
  });
  afterAll(() => all[Symbol.asyncDispose]());

  const running = async (id: string, options?: object): Promise<DriverTask> => {
    const task = await world.driver.create(world.request(id, options));
    await task.start("");
    return task;
  };
  const statusOf = async (instance: string): Promise<string> =>
    await lxd.must(["list", "-f", "csv", "-c", "s", `^${instance}$`]);

  /** Again and again: an init that has not said yet what it does with the signal is spared by the kernel. */
  const killUntilOver = async (task: DriverTask, signal: number): Promise<void> => {
    await until("the end", async () => {
      await task.kill("", signal, false).catch((error: unknown) => expect(error).toMatchObject({ kind: "not_found" }));
      return (await task.state("")).status === "stopped";
    });
  };

  const ended = async (task: DriverTask): Promise<void> => {
    await task.kill("", SIGKILL, true);
    await task.wait("");
    await task.delete("");
  };

  test("an instance that is there is started and stopped, and stays", async () => {
    await lxd.must(["init", LXD_BUSYBOX, "penguin", "-c", "user.x=1"]);
    scope.defer(async () => void (await lxd.must(["delete", "-f", "penguin"])));
    const before = await lxd.must(["query", "/1.0/instances/penguin"]);
    const task = await world.driver.create(world.request("penguin", { instance: "penguin" }));
    expect(await task.state("")).toMatchObject({ status: "created", pid: 0 });
    const others = ["other", "third"].map((id) => world.driver.create(world.request(id, { instance: "penguin" })));
    for (const other of await Promise.allSettled(others)) {
      expect(other).toMatchObject({ status: "rejected", reason: { kind: "failed_precondition" } });
    }
    const { pid } = await task.start("");
    expect(pid).toBeGreaterThan(1);
    expect(await task.state("")).toMatchObject({ status: "running", pid });
    await expect(task.delete("")).rejects.toThrow("cannot delete a running process");
    await task.kill("", SIGKILL, true);
    expect(await task.wait("")).toMatchObject({ pid, exitStatus: 137 });
    expect(await task.delete("")).toMatchObject({ pid, exitStatus: 137 });
    expect(await statusOf("penguin")).toBe("STOPPED");
    const config = (text: string): unknown =>
      Object.entries(JSON.parse(text).config).filter(([key]) => !key.startsWith("volatile."));
    expect(config(await lxd.must(["query", "/1.0/instances/penguin"]))).toEqual(config(before));
    expect(await world.driver.hasRemains(world.namespace, "penguin")).toBe(false);
    const second = await running("penguin", { instance: "penguin" });
    await initListens(lxd, "penguin");
    await lxd.must(["stop", "penguin"]);
    expect(await second.wait("")).toMatchObject({ exitStatus: 0 });
    await second.delete("");
    expect(world.gone).toEqual([]);
  });

  test("the exit status of an init is told, whatever it is", async () => {
    const fault = await running("fault", { init: ["sh", "-c", "exit 7"] });
    expect(await fault.wait("")).toMatchObject({ exitStatus: 7, pid: fault.pid });
    const asked = await running("asked");
    await killUntilOver(asked, SIGTERM);
    expect(await asked.wait("")).toMatchObject({ exitStatus: 0 });
    const shot = await running("shot", { init: ["sh", "-c", "trap 'exit 12' USR1; while :; do sleep 0.1; done"] });
    await killUntilOver(shot, SIGUSR1);
    expect(await shot.wait("")).toMatchObject({ exitStatus: 12 });
    for (const task of [fault, asked, shot]) await task.delete("");
    expect(await world.instances()).toEqual([]);
  });

  test.each(["archives", "one archive", "a fingerprint"])("an image by %s", async (kind) => {
    const { metadata, rootfs, unified } = lxd.image;
    const fingerprint = await lxd.must(["image", "list", "--format", "csv", "-c", "F", LXD_BUSYBOX]);
    const images = { archives: { metadata, rootfs }, "one archive": { unified }, "a fingerprint": { fingerprint } };
    const image = new Map<string, object>(Object.entries(images)).get(kind);
    // Twice: the second finds what the first has brought.
    for (const id of ["first", "second"]) {
      const task = await world.driver.create(world.request(id, { image }, { image: "" }));
      expect(await task.state("")).toMatchObject({ status: "created" });
      await task.delete("");
    }
  });

  test("what it cannot make it says, and leaves nothing", async () => {
    const refused = async (options: object, error: object, more: object = {}): Promise<void> =>
      await expect(world.driver.create(world.request("none", options, more))).rejects.toMatchObject(error);
    await refused({}, { kind: "invalid_argument", message: expect.stringMatching(/needs an image/) }, { image: "" });
    await refused({ image: { alias: "nope" } }, { kind: "not_found" });
    await refused(
      { image: { unified: "/no/such/file" } },
      { kind: "invalid_argument", message: expect.stringMatching(/no such file/) },
    );
    await refused({ instance: "nobody" }, { kind: "not_found" });
    await refused({ config: { "no.such.setting": "1" } }, { message: expect.stringMatching(/no.such.setting/) });
    const blockIO = { linux: { resources: { blockIO: { weight: 10 } } } };
    await refused(
      {},
      { kind: "invalid_argument", message: expect.stringMatching(/blockIO/) },
      { spec: Buffer.from(JSON.stringify(blockIO)) },
    );
    await refused({}, { kind: "unknown" }, { stdout: "/no/such/folder/fifo" });
    await expect(world.driver.create(world.request("none"), AbortSignal.abort())).rejects.toThrow();
    expect(await world.instances()).toEqual([]);
    expect(await world.driver.hasRemains(world.namespace, "none")).toBe(false);
  });

  test("limits are LXD's settings, and change while it runs", async () => {
    const linux = { resources: { memory: { limit: 64 * MEBIBYTE }, cpu: { quota: 50_000, period: 100_000 } } };
    const task = await world.driver.create(world.request("web", {}, { spec: Buffer.from(JSON.stringify({ linux })) }));
    const name = await world.instanceOf("web");
    const setting = (key: string): Promise<string> => lxd.must(["config", "get", name, key]);
    expect(await setting("limits.memory")).toBe(`${64 * MEBIBYTE}B`);
    expect(await setting("limits.cpu.allowance")).toBe("50ms/100ms");
    await task.start("");
    const update = (resources: object): Promise<void> => task.update(anyOfJson(LINUX_RESOURCES_TYPE, resources), {});
    await update({ memory: { limit: 32 * MEBIBYTE }, cpu: { quota: -1 }, pids: { limit: 40 } });
    expect(await setting("limits.memory")).toBe(`${32 * MEBIBYTE}B`);
    expect(await setting("limits.cpu.allowance")).toBe("");
    expect(await setting("limits.processes")).toBe("40");
    await expect(update({ blockIO: { weight: 10 } })).rejects.toMatchObject({ kind: "invalid_argument" });
    await ended(task);
  });

  test("an exec outlives the driver, the bridge's loss and LXD's, and its end is told", async () => {
    const task = await running("web");
    const forever = ["sh", "-c", "trap 'exit 5' USR1; while :; do sleep 0.1; done"];
    for (const id of ["kept", "lost", "orphan"]) {
      await task.exec(id, execOptions(...forever));
      expect(await task.start(id)).toEqual({ pid: expect.any(Number) });
    }
    const [found] = await world.reload();
    if (found === undefined) throw new Error("the task was not found again");
    expect([...(found.startedExecs === undefined ? [] : await found.startedExecs())].sort()).toEqual([
      "kept",
      "lost",
      "orphan",
    ]);
    const kept = found.wait("kept");
    await until("its trap", async () => {
      if ((await found.state("kept")).status !== "running") return true;
      await found.kill("kept", SIGUSR1, false);
      return false;
    });
    expect(await kept).toMatchObject({ exitStatus: 5 });
    expect(await found.delete("kept")).toMatchObject({ exitStatus: 5 });
    // What LXD was told to keep is its own to end when nobody is connected any more.
    await lxd.kill9();
    await lxd.restart();
    const { pid } = await found.state("orphan");
    const orphan = found.wait("orphan");
    expect(pid).toBeGreaterThan(0);
    await until("its end", async () => {
      if ((await found.state("orphan")).status === "stopped") return true;
      await found.kill("orphan", SIGKILL, false).catch(() => undefined);
      return false;
    });
    expect(await orphan).toMatchObject({ exitStatus: 255, pid });
    await endBridge(join(world.stateDir, LXD_RUNTIME, "bridge.sock"));
    await ended(found);
    expect((await found.wait("lost")).exitStatus).toBeGreaterThan(0);
    expect(await world.instances()).toEqual([]);
  });

  test("what bears the daemon's mark and has no task is told to the doctor, and removed if that is asked for", async () => {
    const task = await running("here");
    const owner = (await readFile(join(world.rootDir, LXD_RUNTIME, "owner"), "utf8")).trim();
    const marks = Object.entries({ owner, namespace: world.namespace, id: "stray" });
    await lxd.must([
      "init",
      LXD_BUSYBOX,
      "stray",
      ...marks.flatMap(([key, value]) => ["-c", `user.berth.${key}=${value}`]),
    ]);
    const bundle = join(world.stateDir, LXD_RUNTIME, world.namespace, "left");
    await mkdir(bundle);
    // Of the names that are looked at only this one has a task.
    const whileAbsent: DriverExamination["whileAbsent"] = async ({ id }, work) =>
      id === "here" ? undefined : await work();
    const look = async (): Promise<Discovery[]> => {
      const found: Discovery[] = [];
      for await (const one of world.driver.examine?.({ signal: undefined, whileAbsent }) ?? []) found.push(one);
      return found;
    };
    const found = await look();
    expect(found).toMatchObject([
      { kind: "instance-without-task", namespace: world.namespace, subject: "instance stray", isProblem: true },
      { kind: "bundle-without-task", namespace: world.namespace, subject: bundle, isProblem: true },
    ]);
    for (const { repair } of found) expect(await repair?.()).toBe(true);
    expect(await look()).toEqual([]);
    expect(await statusOf("stray")).toBe("");
    await ended(task);
  });
});
