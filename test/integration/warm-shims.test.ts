// Shims that are started ahead: tasks that run in one are like all others, also for a later daemon, and nothing is left of those
// that never get a task, however the daemon or the shim ends.
import { readFile, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { createCli } from "../helpers/cli.js";
import { startBerthd } from "../helpers/daemon.js";
import { findLeftovers, pidsWithArgument, shimSocketPath, warmShimIds } from "../helpers/leftovers.js";
import { ociSpec } from "../helpers/oci-spec.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { NO_STDIO, TaskHost, WARM_SHIMS } from "../helpers/task-host.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const FOREVER = ["sleep", "1000"];
const CREATE = { ...NO_STDIO, rootfs: [] };
const lacking = requires.root() || requires.binary("containerd-shim-runc-v2") || requires.binary("ctr");

let host: TaskHost;
beforeEach(async () => {
  if (!lacking) host = await TaskHost.start();
});
afterEach(async () => {
  if (lacking) return;
  await host[Symbol.asyncDispose]();
  expect(await pidsWithArgument(host.address)).toEqual([]);
});

const commandLine = async (pid: number): Promise<string[]> =>
  (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");

/** The name that the shim of a task was started with. */
async function startedAs(id: string): Promise<string> {
  const words = await commandLine(await host.shimPid(id));
  return words[words.indexOf("-id") + 1] ?? "";
}

/** Ids of the shims that wait for a task, when there are as many as are kept, all of them up. */
async function warm(count = WARM_SHIMS): Promise<string[]> {
  return await until(`${count} warm shims`, async () => {
    const ids = await warmShimIds(host.stateDir, host.namespace);
    const saved = ids.map((id) => readFile(join(warmFolder(id), "bootstrap.json")));
    await Promise.all(saved);
    return ids.length === count && ids;
  });
}

const warmFolder = (id: string): string => join(host.stateDir, "io.berth.warm-shims", host.namespace, id);

async function runToEnd(id: string, status: number): Promise<void> {
  await host.task(id, ["sh", "-c", `exit ${status}`]);
  const ended = host.tasks.wait(host.ctx, id, "");
  await host.tasks.start(host.ctx, id, "");
  expect(await ended).toMatchObject({ exitStatus: status });
  expect(await host.tasks.delete(host.ctx, id)).toMatchObject({ exitStatus: status });
}

describe.skipIf(lacking)("shims started ahead", () => {
  test("come with the first task, serve the next ones and are replaced", async () => {
    expect(await warmShimIds(host.stateDir, host.namespace)).toEqual([]);
    await host.task("first", FOREVER);
    expect(await startedAs("first")).toBe("first");
    const before = await warm();
    await host.task("second", FOREVER);
    expect(before).toContain(await startedAs("second"));
    expect(await warm()).not.toContain(await startedAs("second"));
    const shim = await host.shimPid("second");
    expect(await readlink(`/proc/${shim}/cwd`)).toBe(host.bundle("second"));
    const [ours, theirs] = await Promise.all(
      [shim, await host.shimPid("first")].map((pid) => readFile(`/proc/${pid}/oom_score_adj`, "utf8")),
    );
    expect(ours).toBe(theirs);
    expect((await host.tasks.list(host.ctx)).map(({ containerId }) => containerId).sort()).toEqual(["first", "second"]);
  });

  test("run the same name again and again, with every event once", async () => {
    for (const status of [0, 1, 2, 3, 4]) await runToEnd("t", status);
    const exits = await host.untilEvents("/tasks/exit", 5);
    expect(exits.map(({ exitStatus }) => exitStatus)).toEqual([0, 1, 2, 3, 4]);
    expect((await host.untilEvents("/tasks/delete", 5)).map(({ exitStatus }) => exitStatus)).toEqual([0, 1, 2, 3, 4]);
    expect(await host.untilEvents("/tasks/create", 5)).toHaveLength(5);
    expect(await host.leftovers("t")).toEqual([]);
  });

  test("are fewer than tasks that come together; the others start their own", async () => {
    await runToEnd("first", 0);
    await warm();
    const ids = ["a", "b", "c", "d", "e"];
    await Promise.all(ids.map((id) => host.task(id, FOREVER)));
    const names = await Promise.all(ids.map(startedAs));
    expect(names.filter((name) => name.startsWith("warm-")).length).toBeGreaterThanOrEqual(WARM_SHIMS);
    expect(new Set(names).size).toBe(ids.length);
    const pids = await Promise.all(ids.map((id) => host.shimPid(id)));
    expect(new Set(pids).size).toBe(ids.length);
  });

  test("do not serve what its start must know of: groups, a cgroup for the shim", async () => {
    await runToEnd("first", 0);
    const waiting = await warm();
    const { value, typeUrl } = ociSpec({ args: FOREVER, rootfs: host.rootfs, cgroupsPath: `/${host.namespace}/g` });
    const spec = { ...JSON.parse(Buffer.from(value).toString()), annotations: { "io.containerd.runc.v2.group": "g" } };
    host.container("member", FOREVER, {}, undefined, { typeUrl, value: Buffer.from(JSON.stringify(spec)) });
    await host.tasks.create(host.ctx, "member", CREATE);
    expect(await startedAs("member")).toBe("member");
    expect(await warm()).toEqual(waiting);
  });

  test("that is killed while it waits does no harm and leaves nothing", async () => {
    await runToEnd("first", 0);
    const [victim = "", ...others] = await warm();
    const [pid = 0] = await pidsWithArgument(victim);
    process.kill(pid, "SIGKILL");
    await host.task("next", FOREVER);
    expect(await startedAs("next")).not.toBe(victim);
    for (const other of [...others, "more"]) await host.task(`t-${other}`, FOREVER);
    await until("its folder to go", async () => !(await warmShimIds(host.stateDir, host.namespace)).includes(victim));
    await expect(readFile(shimSocketPath(host, host.namespace, victim))).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("whose folder somebody removed are passed over", async () => {
    await runToEnd("first", 0);
    const [one = "", ...others] = await warm();
    await rm(join(warmFolder(one), ".."), { recursive: true });
    await host.task("next", FOREVER);
    expect(await startedAs("next")).toBe("next");
    for (const other of [...others, "more"]) await host.task(`t-${other}`, FOREVER);
    await until("its shim to end", async () => (await pidsWithArgument(one)).length === 0);
  });

  test("and their tasks are there for the next daemon", async () => {
    await runToEnd("first", 0);
    const before = await warm();
    const { pid } = await host.task("t", FOREVER);
    await host.tasks.start(host.ctx, "t", "");
    const serving = await startedAs("t");
    expect(before).toContain(serving);
    await host.stopDaemon();
    expect(await warmShimIds(host.stateDir, host.namespace)).toEqual([]);
    expect(await pidsWithArgument(host.address)).toEqual(await pidsWithArgument(serving));
    await host.startDaemon();
    expect(await host.tasks.list(host.ctx)).toMatchObject([{ containerId: "t", status: "running", pid }]);
    const ended = host.tasks.wait(host.ctx, "t", "");
    await host.tasks.kill(host.ctx, "t", "", { signal: 9, all: false });
    expect(await ended).toMatchObject({ exitStatus: 137 });
    await host.tasks.delete(host.ctx, "t");
    expect(await host.untilEvents("/tasks/exit", 2)).toMatchObject([{ exitStatus: 0 }, { exitStatus: 137 }]);
    expect(await host.leftovers("t")).toEqual([]);
    await expect(readFile(shimSocketPath(host, host.namespace, serving))).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("whose daemon was killed are ended by the next one, which the doctor finds in order", async () => {
    await using scope = new DisposeScope();
    const dir = await tempDir(scope);
    const namespace = freshNamespace(scope);
    const rootfs = await makeRootfs(join(dir, "rootfs"));
    const daemon = await startBerthd(scope, { dir: join(dir, "d") });
    const ctr = createCli("ctr", daemon, namespace);
    const ids = [`${namespace}-1`, `${namespace}-2`];
    for (const id of ids) {
      expect(await ctr.run(["run", "-d", "--null-io", "--rootfs", rootfs, id, "/bin/sleep", "1000"])).toMatchObject({
        code: 0,
        stderr: "",
      });
      await until("warm shims", async () => (await warmShimIds(daemon.stateDir, namespace)).length === WARM_SHIMS);
    }
    const orphans = await warmShimIds(daemon.stateDir, namespace);
    await daemon.kill();
    const next = await daemon.restart();
    for (const orphan of orphans) {
      expect(await pidsWithArgument(orphan)).toEqual([]);
      await expect(readFile(shimSocketPath(next, namespace, orphan))).rejects.toMatchObject({ code: "ENOENT" });
    }
    const { stdout } = await ctr.run(["t", "ls", "-q"]);
    expect(stdout.trim().split("\n").sort()).toEqual(ids);
    const berth = createCli("berth", next, namespace);
    expect((await berth.run(["run", "--rm", "--rootfs", rootfs, `${namespace}-3`, "/bin/true"])).code).toBe(0);
    await until("warm shims", async () => (await warmShimIds(next.stateDir, namespace)).length === WARM_SHIMS);
    expect(await berth.run(["doctor"])).toMatchObject({ code: 0, stderr: "" });
    for (const id of ids) expect((await ctr.run(["t", "rm", "-f", id])).code).toBe(0);
    await until("nothing to be left", async () => (await findLeftovers(next, namespace, ids)).length === 0);
    await next.stop();
    expect(await pidsWithArgument(next.address)).toEqual([]);
  });
});
