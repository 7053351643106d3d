// The LXD driver over Debian's LXD: what only it does, with instances that it makes and with those that are there.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import type { DriverTask } from "../../runtime/driver.js";
import { LXD_BUSYBOX, type Lxd, startLxd } from "../helpers/lxd.js";
import { type LxdWorld, lxdWorld } from "../helpers/lxd-world.js";
import { requires } from "../helpers/requires.js";
import { until } from "../helpers/until.js";

const SIGKILL = 9;
const SIGTERM = 15;
const SIGUSR1 = 10;

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

  test("an instance that is there is started and stopped, and stays", async () => {
    await lxd.must(["init", LXD_BUSYBOX, "penguin", "-c", "user.x=1"]);
    scope.defer(async () => void (await lxd.must(["delete", "-f", "penguin"])));
    const before = await lxd.must(["query", "/1.0/instances/penguin"]);
    const task = await world.driver.create(world.request("penguin", { instance: "penguin" }));
    expect(await task.state("")).toMatchObject({ status: "created", pid: 0 });
    const again = world.driver.create(world.request("other", { instance: "penguin" }));
    await expect(again).rejects.toMatchObject({ kind: "failed_precondition" });
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
    await lxd.must(["stop", "penguin"]);
    expect(await second.wait("")).toMatchObject({ exitStatus: 0 });
    await second.delete("");
    expect(world.gone).toEqual([]);
  });

  test("the exit status of an init is told, whatever it is", async () => {
    const fault = await running("fault", { init: ["sh", "-c", "sleep 0.2; exit 7"] });
    expect(await fault.wait("")).toMatchObject({ exitStatus: 7, pid: fault.pid });
    const asked = await running("asked");
    await asked.kill("", SIGTERM, false);
    expect(await asked.wait("")).toMatchObject({ exitStatus: 0 });
    const shot = await running("shot", { init: ["sh", "-c", "trap 'exit 12' USR1; while :; do sleep 0.1; done"] });
    await until("the trap", async () => {
      await shot.kill("", SIGUSR1, false).catch((error: unknown) => expect(error).toMatchObject({ kind: "not_found" }));
      return (await shot.state("")).status === "stopped";
    });
    expect(await shot.wait("")).toMatchObject({ exitStatus: 12 });
    for (const task of [fault, asked, shot]) await task.delete("");
    expect(await world.instances()).toEqual([]);
  });
});
