// What a daemon's absence at a bad moment must not cost: an exit that a shim has given up telling, the status of a task whose
// removal stopped half-way, a shim that came up when its daemon was gone.
import { access, mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { silentLogger } from "../../api/core/log.js";
import { ShimConnection } from "../../runtime/drivers/shim/connection.js";
import { ShimLog } from "../../runtime/drivers/shim/log-fifo.js";
import { readSavedAddress } from "../../runtime/drivers/shim/saved-shim.js";
import { listProcesses, openTargets } from "../../runtime/host-processes.js";
import { createCli } from "../helpers/cli.js";
import { startBerthd } from "../helpers/daemon.js";
import { findLeftovers, pidsWithArgument, shimSocketPath } from "../helpers/leftovers.js";
import { ociProcess } from "../helpers/oci-spec.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { NO_STDIO, TaskHost } from "../helpers/task-host.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const SHIM = "/usr/bin/containerd-shim-runc-v2";
const CALL_MS = 30_000;
const lacking = requires.root() || requires.binary("containerd-shim-runc-v2") || requires.binary("ctr");

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

describe.skipIf(lacking)("while no daemon is there", () => {
  let host: TaskHost;
  beforeEach(async () => {
    host = await TaskHost.start();
  });
  afterEach(() => host[Symbol.asyncDispose]());

  /** Exits and deletes as `[topic, id, pid, status]`. */
  const ends = () =>
    host
      .events()
      .filter(({ topic }) => topic === "/tasks/exit" || topic === "/tasks/delete")
      .map(({ topic, id, pid, exitStatus }) => [topic, id, pid, exitStatus]);

  /** Waits for a file at its name, then ends with the status. */
  const afterFile = (file: string, status: number): string[] => [
    "sh",
    "-c",
    `while ! test -e ${file}; do sleep 0.01; done; exit ${status}`,
  ];

  test("longer than a shim tells its events, the ends of a task and of its exec are told once, with their status", async () => {
    const { pid } = await host.task("t", afterFile("/tmp/end-of-init", 7));
    await host.tasks.start(host.ctx, "t", "");
    await host.tasks.exec(host.ctx, "t", "e", {
      ...NO_STDIO,
      spec: ociProcess(afterFile("/tmp/end-of-exec", 5)),
    });
    const { pid: execPid } = await host.tasks.start(host.ctx, "t", "e");
    const inside = `/proc/${pid}/root/tmp`;
    await host.stopDaemon();
    const given: string[] = [];
    const note = ({ line }: { readonly line?: unknown }): void => {
      if (String(line).includes("evicting")) given.push(String(line));
    };
    {
      // Without a socket each of its attempts would take 5 s.
      await using _refusing = await refuseAll(`${host.address}.ttrpc`);
      using _log = ShimLog.open(host.bundle("t"), { ...silentLogger, error: note, warn: note, debug: note });
      await writeFile(join(inside, "end-of-exec"), "");
      await until("the exec to be gone", async () => !(await exists(`/proc/${execPid}`)));
      await writeFile(join(inside, "end-of-init"), "");
      await until("the shim to give up both", () => given.length >= 2, 50_000);
    }
    await host.startDaemon();
    const exits = [
      ["/tasks/exit", "e", execPid, 5],
      ["/tasks/exit", "t", pid, 7],
    ];
    expect(ends().sort()).toEqual(exits);
    expect(await host.tasks.wait(host.ctx, "t", "e")).toMatchObject({ exitStatus: 5 });
    expect(await host.tasks.deleteProcess(host.ctx, "t", "e")).toMatchObject({ exitStatus: 5 });
    expect(await host.tasks.wait(host.ctx, "t", "")).toMatchObject({ exitStatus: 7 });
    expect(await host.tasks.delete(host.ctx, "t")).toMatchObject({ exitStatus: 7 });
    expect(ends().sort()).toEqual([["/tasks/delete", "t", pid, 7], ...exits]);
  }, 90_000);

  test("a delete that stopped half-way is told with the status that the exit was told with", async () => {
    const { pid } = await host.task("t", ["sh", "-c", "exit 7"]);
    await host.tasks.start(host.ctx, "t", "");
    await host.untilEvents("/tasks/exit");
    await host.stopDaemon();
    {
      await using shim = await ShimConnection.open(await readSavedAddress(host.bundle("t")), silentLogger, CALL_MS);
      await shim.call(shim.methods.delete, { id: "t", execId: "" }, { timeoutMs: CALL_MS });
    }
    await host.startDaemon();
    expect(ends()).toEqual([
      ["/tasks/exit", "t", pid, 7],
      ["/tasks/delete", "t", pid, 7],
    ]);
    expect(await host.leftovers("t")).toEqual([]);
  });

  test("so is that of a task whose shim died then", async () => {
    const { pid } = await host.task("t", ["sleep", "1000"]);
    const shim = await host.shimPid("t");
    await host.tasks.start(host.ctx, "t", "");
    await host.tasks.kill(host.ctx, "t", "", { signal: 15, all: false }).catch(() => undefined);
    process.kill(pid, "SIGKILL");
    await host.untilEvents("/tasks/exit");
    await host.stopDaemon();
    process.kill(shim, "SIGKILL");
    await until("the shim to be gone", async () => !(await exists(`/proc/${shim}/exe`)));
    await host.startDaemon();
    expect(ends()).toEqual([
      ["/tasks/exit", "t", pid, 137],
      ["/tasks/delete", "t", pid, 137],
    ]);
  });
});

describe.skipIf(lacking)("a shim whose daemon was killed while it was being started", () => {
  test("has ended, and left nothing, when the next one serves", async () => {
    await using scope = new DisposeScope();
    const dir = await tempDir(scope);
    const bin = join(dir, "bin");
    await mkdir(bin);
    const [begun, go] = [join(dir, "begun"), join(dir, "go")];
    const script = `#!/bin/sh
for word; do :; done
if [ "$word" = start ]; then touch ${begun}; while ! test -e ${go}; do sleep 0.02; done; fi
exec ${SHIM} "$@"
`;
    await writeFile(join(bin, "containerd-shim-runc-v2"), script, { mode: 0o755 });
    const namespace = freshNamespace(scope);
    const id = `${namespace}-t`;
    const rootfs = await makeRootfs(join(dir, "rootfs"));
    const env = { PATH: `${bin}:${process.env["PATH"] ?? ""}` };
    const daemon = await startBerthd(scope, { dir: join(dir, "d"), env });
    const ctr = createCli("ctr", daemon, namespace);
    const run = await ctr.start(["run", "-d", "--null-io", "--rootfs", rootfs, id, "/bin/sleep", "1000"]);
    await until("the start of the shim", () => exists(begun));
    await daemon.kill();
    await run.stop();
    const log = join(daemon.stateDir, "io.containerd.runtime.v2.task", namespace, id, "log");
    const restarting = daemon.restart();
    // The next daemon looks at the bundle, or is through with that.
    await Promise.race([restarting, until("somebody to read the log", () => isOpen(log))]);
    await writeFile(go, "");
    const next = await restarting;
    await until("the start to end", async () => (await pidsWithArgument(id)).length === 0);
    expect(await findLeftovers(next, namespace, [id])).toEqual([]);
    expect(await exists(shimSocketPath(next, namespace, id))).toBe(false);
    expect((await ctr.run(["t", "ls", "-q"])).stdout.trim()).toBe("");
    // Its record is there, and the name is free.
    expect(await ctr.run(["t", "start", "-d", "--null-io", id])).toMatchObject({ code: 0 });
    expect((await ctr.run(["t", "rm", "-f", id])).code).toBe(0);
  });
});

/** Ends every connection at once. */
async function refuseAll(path: string): Promise<AsyncDisposable> {
  const server = createServer((socket) => void socket.destroy());
  await new Promise<void>((resolve) => server.listen(path, () => resolve()));
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}

async function isOpen(path: string): Promise<boolean> {
  for (const { pid } of await listProcesses()) if ((await openTargets(pid)).includes(path)) return true;
  return false;
}
