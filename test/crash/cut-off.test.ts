// What a shim makes of a call when its daemon is killed in the middle of it, with the moment held fast: the findings that the
// crash run's check allows for, and one that it does not have to. The shim kills the runc that works for a caller who is gone.
import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import { DisposeScope } from "../../api/core/dispose.js";
import type { Stdio } from "../../api/core/task.js";
import { traceProcess } from "../durability/strace.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { hang } from "../helpers/hang.js";
import { findLeftovers } from "../helpers/leftovers.js";
import { ociSpec } from "../helpers/oci-spec.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";
import { readLedger } from "./exits.js";
import { settled } from "./harness.js";

const NO_STDIO: Stdio = { stdin: "", stdout: "", stderr: "", terminal: false };
/** strace holds a call for so long (in microseconds), unless it is stopped before: longer than any test. */
const HOLD = "delay_exit=600000000";
const lacking =
  requires.root() || requires.binary("containerd-shim-runc-v2") || requires.binary("runc") || requires.binary("strace");

describe.skipIf(lacking)("a daemon that is killed in the middle of a call", () => {
  let scope: DisposeScope;
  let daemon: Berthd;
  let client: Client;
  let ctx: { readonly namespace: string };
  let id: string;
  let pid: number;

  beforeEach(async () => {
    scope = new DisposeScope();
    const namespace = freshNamespace(scope);
    ctx = { namespace };
    id = `${namespace}-c`;
    const rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
    daemon = await startBerthd(scope);
    client = scope.use(connect({ address: daemon.address }));
    const spec = ociSpec({ args: ["sleep", "100000"], rootfs, cgroupsPath: `/${namespace}/${id}` });
    await client.containers.create(ctx, { id, runtime: { name: "io.containerd.runc.v2" }, spec });
    ({ pid } = await client.tasks.create(ctx, id, { ...NO_STDIO, rootfs: [] }));
  });
  afterEach(() => scope[Symbol.asyncDispose]());

  async function restart(): Promise<void> {
    daemon = await daemon.restart();
    client = scope.use(connect({ address: daemon.address }));
  }

  const state = async (): Promise<readonly [string, number]> => {
    const { status, exitStatus } = await client.tasks.get(ctx, id, "");
    return [status, exitStatus];
  };

  /** Exit statuses told of the task. */
  const toldExits = (): number[] => {
    const { exits } = readLedger(join(daemon.rootDir, "metadata.db"), ctx.namespace);
    return [...exits.values()].flat().map(({ status }) => status);
  };

  async function shimPid(): Promise<number> {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  }

  async function trace(ofPid: number, syscall: string): Promise<() => Promise<void>> {
    const file = join(daemon.dir, "trace");
    const { stop } = await traceProcess(scope, {
      pid: ofPid,
      file,
      syscalls: [syscall],
      args: ["-e", `inject=${syscall}:${HOLD}`],
    });
    return stop;
  }

  test("leaves an init that ends with 1 when its start was about to let it go", async () => {
    const release = await trace(pid, "openat");
    const started = client.tasks.start(ctx, id, "");
    started.catch(() => undefined);
    // Once for its own end, once for the end that it is about to write to, with runc at the other.
    await until("init to have its FIFO open", async () => (await openFifos(pid)) === 2);
    await daemon.kill();
    await until("the shim to kill the runc that starts", async () => (await runcThreads("start", id)) === 0);
    await restart();
    expect(await state()).toEqual(["created", 0]);
    await release();
    await until("init to end", async () => (await state())[0] === "stopped");
    expect(await state()).toEqual(["stopped", 1]);
    await until("its exit to be told", () => toldExits().length > 0);
    await client.tasks.delete(ctx, id);
    expect(toldExits()).toEqual([1]);
    expect(await settled("leftovers", () => findLeftovers(daemon, ctx.namespace, [id]))).toEqual([]);
  });

  test("leaves a task that runs when its start had let it go and did not come to saying so", async () => {
    const release = await trace(await shimPid(), "unlinkat");
    client.tasks.start(ctx, id, "").catch(() => undefined);
    await until("runc to have let init go and removed its FIFO", async () => {
      const [program] = (await readFile(`/proc/${pid}/cmdline`, "utf8")).split("\0");
      return (
        program === "sleep" && !(await readdir(`/run/containerd/runc/${ctx.namespace}/${id}`)).includes("exec.fifo")
      );
    });
    await daemon.kill();
    await until("the shim to kill the runc that starts", async () => (await runcThreads("start", id)) <= 1);
    await release();
    await restart();
    // Its shim still counts it as created, and would refuse to delete it.
    expect(await state()).toEqual(["running", 0]);
    expect((await client.tasks.list(ctx)).map(({ status }) => status)).toEqual(["running"]);
    const { started } = readLedger(join(daemon.rootDir, "metadata.db"), ctx.namespace);
    expect([...started]).toEqual([`${id} ${id} ${pid}`]);
    await client.tasks.kill(ctx, id, "", { signal: 9, all: false });
    expect((await client.tasks.wait(ctx, id, "")).exitStatus).toBe(137);
    await client.tasks.delete(ctx, id);
    expect(toldExits()).toEqual([137]);
    expect(await settled("leftovers", () => findLeftovers(daemon, ctx.namespace, [id]))).toEqual([]);
  });

  test("leaves a created task that has ended without having run when its delete had killed it", async () => {
    const release = await trace(await shimPid(), "kill");
    client.tasks.delete(ctx, id).catch(() => undefined);
    await until("runc to have killed init", () => isGone(pid));
    await daemon.kill();
    await until("the shim to kill the runc that deletes", async () => (await runcThreads("delete", id)) <= 1);
    await release();
    await restart();
    expect(await state()).toEqual(["stopped", 137]);
    await client.tasks.delete(ctx, id);
    expect(await settled("leftovers", () => findLeftovers(daemon, ctx.namespace, [id]))).toEqual([]);
    expect(toldExits().filter((status) => status !== 137)).toEqual([]);
    expect(toldExits().length).toBeLessThanOrEqual(1);
  });

  test("has not started anything when the shim reads the call only afterwards", async () => {
    const shim = await shimPid();
    await hang(shim);
    scope.defer(() => void process.kill(shim, "SIGCONT"));
    client.tasks.start(ctx, id, "").catch(() => undefined);
    // The shim is asked on the same connection, and given 2 s to answer: the start lies before its door by then.
    expect(await state()).toEqual(["created", 0]);
    await daemon.kill();
    process.kill(shim, "SIGCONT");
    await restart();
    expect(await state()).toEqual(["created", 0]);
    expect(await client.tasks.start(ctx, id, "")).toEqual({ pid });
    expect(await state()).toEqual(["running", 0]);
  });
});

/** How many descriptors of a process stand for the FIFO in which init waits to be let go. */
async function openFifos(pid: number): Promise<number> {
  const folder = `/proc/${pid}/fd`;
  const targets = await Promise.all((await readdir(folder)).map((fd) => readlink(join(folder, fd)).catch(() => "")));
  return targets.filter((target) => target.endsWith("/exec.fifo")).length;
}

/** Threads of the runc that runs this command on the container; its last one may be held by strace when it is killed. */
async function runcThreads(command: string, id: string): Promise<number> {
  for (const name of await readdir("/proc")) {
    const words = (await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "")).split("\0");
    if (words[0]?.endsWith("runc") !== true || !words.includes(command) || !words.includes(id)) continue;
    return (await readdir(`/proc/${name}/task`).catch(() => [])).length;
  }
  return 0;
}

/** Ended, whoever has yet to collect it. */
async function isGone(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat === "" || stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
}
