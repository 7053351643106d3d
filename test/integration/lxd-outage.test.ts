// Tasks of LXD when one side goes away and comes back, and when somebody else does something to their instances.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import type { DriverTask } from "../../runtime/driver.js";
import { LXD_RUNTIME } from "../../runtime/drivers/lxd/names.js";
import { initListens, LXD_BUSYBOX, type Lxd, startLxd } from "../helpers/lxd.js";
import { type LxdWorld, lxdWorld } from "../helpers/lxd-world.js";
import { requires } from "../helpers/requires.js";
import { until } from "../helpers/until.js";

const SIGKILL = 9;
const SIGTERM = 15;

describe.skipIf(requires.root() || requires.binary("lxd"))("tasks of LXD in bad times", () => {
  const all = new DisposeScope();
  let scope: DisposeScope;
  let lxd: Lxd;
  let world: LxdWorld;

  const running = async (id: string, options?: object): Promise<DriverTask> => {
    const task = await world.driver.create(world.request(id, options));
    await task.start("");
    return task;
  };
  const byId = (tasks: readonly DriverTask[], id: string): DriverTask => {
    const task = tasks.find((one) => one.id === id);
    if (task === undefined) throw new Error(`task ${id} was not found again`);
    return task;
  };
  const seenPid = (task: DriverTask, other: number): Promise<boolean> =>
    until("another pid", async () => (await task.state("")).status === "running" && task.pid !== other);

  beforeAll(async () => {
    lxd = await startLxd(all);
  }, 120_000);
  beforeEach(async () => {
    scope = new DisposeScope();
    world = await lxdWorld(scope, lxd);
  });
  afterEach(() => scope[Symbol.asyncDispose]());
  afterAll(() => all[Symbol.asyncDispose]());

  test("LXD is killed and started again: tasks go on, and what ended meanwhile is told", async () => {
    const [first, second] = await Promise.all([running("first"), running("second")]);
    const { pid } = first;
    const [waiting, ended] = [first.wait(""), second.wait("")];
    await lxd.kill9();
    await expect(first.state("")).rejects.toMatchObject({ kind: "unavailable" });
    await expect(world.driver.create(world.request("none"))).rejects.toMatchObject({ kind: "unavailable" });
    process.kill(second.pid, "SIGKILL");
    await lxd.restart();
    expect(await ended).toMatchObject({ exitStatus: 137, pid: second.pid });
    await until("the task", async () => (await first.state("")).status === "running");
    expect(first.pid).toBe(pid);
    await initListens(lxd, await world.instanceOf("first"));
    await first.kill("", SIGTERM, false);
    expect(await waiting).toMatchObject({ pid, exitStatus: 0 });
    for (const task of [first, second]) await task.delete("");
    expect(await world.instances()).toEqual([]);
    expect(world.gone).toEqual([]);
  });

  test("both are away at once, and the next driver comes before LXD does", async () => {
    const [first, second] = await Promise.all([running("first"), running("second")]);
    await world.letGo();
    await lxd.kill9();
    process.kill(second.pid, "SIGKILL");
    const found = await world.load();
    expect(found.map(({ id, pid }) => [id, pid]).sort()).toEqual([
      ["first", first.pid],
      ["second", second.pid],
    ]);
    const waiting = byId(found, "second").wait("");
    await lxd.restart();
    expect(await waiting).toMatchObject({ exitStatus: 137 });
    await byId(found, "first").kill("", SIGKILL, true);
    for (const task of found) await task.delete("");
    expect(world.gone).toEqual([]);
  });

  test("after a reboot, which takes the state folder, instances of ours go and are told of; others stay", async () => {
    const task = await running("lost");
    const name = await world.instanceOf("lost");
    await lxd.must(["init", LXD_BUSYBOX, "stranger", "-c", "user.berth.owner=somebody", "-c", "user.berth.id=lost"]);
    scope.defer(async () => void (await lxd.must(["delete", "stranger"])));
    await world.letGo();
    await rm(join(world.stateDir, LXD_RUNTIME), { recursive: true });
    expect(await world.load()).toEqual([]);
    await until("the driver to tell", () => world.gone.length > 0);
    expect(world.gone).toMatchObject([{ id: "lost", isExitKnown: false, exit: { exitStatus: 255 } }]);
    const left = await lxd.must(["list", "--format", "csv", "-c", "n"]);
    expect(left).toContain("stranger");
    expect(left).not.toContain(name);
    expect(() => process.kill(task.pid, 0)).toThrow("ESRCH");
  });

  test("an instance that starts again, from inside or by somebody else, has not ended", async () => {
    const task = await running("web");
    const name = await world.instanceOf("web");
    const waiting = task.wait("");
    let { pid } = task;
    await lxd.run(["exec", name, "--", "busybox", "reboot", "-f"]);
    await seenPid(task, pid);
    pid = task.pid;
    // LXD is not done with the reboot yet.
    await until("the restart", async () => (await lxd.run(["restart", name])).code === 0);
    await seenPid(task, pid);
    await initListens(lxd, name);
    await lxd.must(["stop", name]);
    expect(await waiting).toMatchObject({ pid: task.pid, exitStatus: 0 });
    await task.delete("");
  });

  test("one that was there: started by somebody else, renamed, removed", async () => {
    await lxd.must(["init", LXD_BUSYBOX, "penguin"]);
    const task = await world.driver.create(world.request("web", { instance: "penguin" }));
    await lxd.must(["rename", "penguin", "pinguin"]);
    await until("the new name", async () => (await task.state("").catch(() => undefined))?.status === "created");
    await lxd.must(["start", "pinguin"]);
    await until("the start", async () => (await task.state("")).status === "running");
    expect(task.pid).toBeGreaterThan(1);
    const waiting = task.wait("");
    await lxd.must(["delete", "--force", "pinguin"]);
    expect(await waiting).toMatchObject({ pid: task.pid, exitStatus: 137 });
    await until("the driver to tell", () => world.gone.length > 0);
    expect(world.gone).toMatchObject([{ id: "web", isExitKnown: true, exit: { exitStatus: 137 } }]);
    expect(await world.driver.hasRemains(world.namespace, "web")).toBe(false);
  });

  test("a create that LXD does not live to finish leaves nothing", async () => {
    const creating = world.driver.create(world.request("cut"));
    const failed = expect(creating).rejects.toMatchObject({ kind: "unavailable" });
    await until("the instance", async () => (await world.instances()).length > 0);
    await lxd.kill9();
    await failed;
    expect(await world.driver.hasRemains(world.namespace, "cut")).toBe(false);
    await lxd.restart();
    await until("nothing to be left", async () => (await world.instances()).length === 0);
    const task = await running("cut");
    await task.kill("", SIGKILL, true);
    await task.delete("");
  });
});
