// The task manager with real shims and real runc: what a daemon that comes back finds of the tasks it had.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { silentLogger } from "../../api/core/log.js";
import type { CreateTaskOptions } from "../../api/core/task.js";
import { createBundle } from "../../runtime/bundle.js";
import { startShim } from "../../runtime/drivers/shim/actions.js";
import { resolveShimBinary } from "../../runtime/drivers/shim/binary.js";
import { ShimLog } from "../../runtime/drivers/shim/log-fifo.js";
import { hang } from "../helpers/hang.js";
import { pidsWithArgument } from "../helpers/leftovers.js";
import { ociProcess } from "../helpers/oci-spec.js";
import { requires } from "../helpers/requires.js";
import { FOREVER, NO_STDIO, RUNC, TaskHost } from "../helpers/task-host.js";
import { until } from "../helpers/until.js";

const lacking = requires.runc();

const SIGKILL = 9;
const CREATE: CreateTaskOptions = { ...NO_STDIO, rootfs: [] };

let host: TaskHost;
beforeEach(async () => {
  host = await TaskHost.start();
});
afterEach(async () => {
  await host[Symbol.asyncDispose]();
});

describe.skipIf(lacking)("when the daemon ends and comes back", () => {
  test("running and stopped tasks are there again, with their exits and their execs", async () => {
    const pid = await host.running("runs");
    const spec = ociProcess(FOREVER);
    await host.tasks.exec(host.ctx, "runs", "e", { ...NO_STDIO, spec });
    await host.tasks.start(host.ctx, "runs", "e");
    await host.running("ends", ["sh", "-c", "exit 5"]);
    await host.tasks.wait(host.ctx, "ends", "");
    await host.untilEvents("/tasks/exit");
    await host.stopDaemon();
    await host.startDaemon();
    const listed = (await host.tasks.list(host.ctx)).map(({ containerId, status }) => [containerId, status]);
    expect(listed.sort()).toEqual([
      ["ends", "stopped"],
      ["runs", "running"],
    ]);
    expect(await host.tasks.wait(host.ctx, "ends", "")).toMatchObject({ exitStatus: 5 });
    await host.tasks.kill(host.ctx, "runs", "e", { signal: SIGKILL, all: false });
    expect(await host.tasks.wait(host.ctx, "runs", "e")).toMatchObject({ exitStatus: 137 });
    await host.ended("runs");
    expect(await host.tasks.delete(host.ctx, "runs")).toMatchObject({ pid, exitStatus: 137 });
    await host.tasks.delete(host.ctx, "ends");
    await host.untilEvents("/tasks/delete", 2);
    expect(await host.leftovers("runs", "ends")).toEqual([]);
  });

  test("a task that ended meanwhile is told of by its shim", async () => {
    const pid = await host.running("t");
    await host.stopDaemon();
    process.kill(pid, "SIGKILL");
    await until("the process to be gone", () => isGone(pid));
    await host.startDaemon();
    expect(await host.tasks.wait(host.ctx, "t", "")).toMatchObject({ exitStatus: 137 });
    expect(await host.untilEvents("/tasks/exit")).toMatchObject([{ id: "t", pid, exitStatus: 137 }]);
  });

  test("a shim that died meanwhile is cleaned up and its end told; other folders go, hidden ones with them", async () => {
    const pid = await host.running("dead");
    const shim = await host.shimPid("dead");
    await host.untilEvents("/tasks/start");
    await host.stopDaemon();
    process.kill(shim, "SIGKILL");
    await until("the shim to be gone", () => isGone(shim));
    const bundles = join(host.bundle("x"), "..");
    await mkdir(join(bundles, "empty"));
    await mkdir(join(bundles, "strange"));
    await writeFile(join(bundles, "strange", "file"), "");
    await mkdir(join(bundles, ".hidden", "rootfs"), { recursive: true });
    const work = join(host.dir, "root", "io.containerd.runtime.v2.task", host.namespace);
    await mkdir(join(work, "orphan"), { recursive: true });
    await host.startDaemon();
    expect(await host.tasks.list(host.ctx)).toEqual([]);
    expect(await host.leftovers("dead")).toEqual([]);
    await until("the container to be gone", () => isGone(pid));
    await expect(readFile(join(work, "orphan"))).rejects.toMatchObject({ code: "ENOENT" });
    const exit = { id: "dead", pid, exitStatus: 137 };
    expect(host.events().slice(2)).toMatchObject([
      { topic: "/tasks/exit", ...exit },
      { topic: "/tasks/delete", ...exit },
    ]);
    await host.tasks.create(host.ctx, "dead", CREATE);
  });

  test("a shim that was started and got no task is ended", async () => {
    await host.stopDaemon();
    host.container("t", FOREVER);
    const roots = { rootDir: join(host.dir, "root"), stateDir: host.stateDir };
    const { spec } = await host.containers.get(host.ctx, "t");
    const bundle = await createBundle(roots, host.namespace, "t", spec.value);
    {
      using _log = ShimLog.open(bundle.path, silentLogger);
      const binary = await resolveShimBinary(RUNC, { path: process.env["PATH"] ?? "", programDir: "/" });
      const deps = {
        rootDir: "/root-dir",
        address: host.address,
        ttrpcAddress: `${host.address}.ttrpc`,
        publishBinary: "/bin/true",
        debug: false,
      };
      await startShim(deps, binary, bundle, Buffer.alloc(0), undefined);
    }
    expect(await pidsWithArgument(host.namespace)).toHaveLength(1);
    await host.startDaemon();
    expect(await host.tasks.list(host.ctx)).toEqual([]);
    expect(await host.leftovers("t")).toEqual([]);
  });

  test("a shim that hangs at the time keeps its task", async () => {
    const pid = await host.running("t");
    const shim = await host.shimPid("t");
    await host.stopDaemon();
    await hang(shim);
    try {
      await host.startDaemon();
      expect(await host.tasks.list(host.ctx)).toMatchObject([{ containerId: "t", status: "unknown", pid }]);
    } finally {
      process.kill(shim, "SIGCONT");
    }
    expect(await host.tasks.get(host.ctx, "t", "")).toMatchObject({ status: "running", pid });
    expect(await host.tasks.list(host.ctx)).toMatchObject([{ status: "running" }]);
  });
});

async function isGone(pid: number): Promise<boolean> {
  // A zombie is gone as well; who reaps it is not our business here.
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return stat === undefined || stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z");
}
