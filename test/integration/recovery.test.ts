// What a daemon finds when it comes back: every end that nobody saw is told once, with the true status where somebody still knows
// it, and with a reason; nothing is left of what was cut short.
import { once } from "node:events";
import { access, link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { decodeEvent } from "../../api/core/event-fields.js";
import { silentLogger } from "../../api/core/log.js";
import { VERDICT_TOPICS } from "../../api/core/task-verdict.js";
import { parseShimAddress } from "../../runtime/drivers/shim/bootstrap.js";
import { ShimConnection } from "../../runtime/drivers/shim/connection.js";
import { removeNamespaceLeftovers, shimSocketPath } from "../helpers/leftovers.js";
import { ociProcess } from "../helpers/oci-spec.js";
import { requires } from "../helpers/requires.js";
import { NO_STDIO, TaskHost } from "../helpers/task-host.js";
import { until } from "../helpers/until.js";

const FOREVER = ["sleep", "100000"];
/** Far less than a start that hangs would take. */
const START_MS = 30_000;
const ON_TERM = (status: number): string[] => ["sh", "-c", `trap 'exit ${status}' TERM; while :; do sleep 0.01; done`];
const lacking = requires.root() || requires.binary("containerd-shim-runc-v2") || requires.binary("runc");

describe.skipIf(lacking)("when a daemon comes back", () => {
  let host: TaskHost;
  beforeEach(async () => {
    host = await TaskHost.start();
  });
  afterEach(() => host[Symbol.asyncDispose]());

  async function run(id: string, args: readonly string[]): Promise<number> {
    const { pid } = await host.task(id, args);
    await host.tasks.start(host.ctx, id, "");
    return pid;
  }

  async function exec(id: string, execId: string, args: readonly string[]): Promise<number> {
    await host.tasks.exec(host.ctx, id, execId, { ...NO_STDIO, spec: ociProcess(args) });
    return (await host.tasks.start(host.ctx, id, execId)).pid;
  }

  /** A start of which no daemon hears. */
  async function startInShim(id: string, execId: string): Promise<number> {
    const address = parseShimAddress(await readFile(join(host.bundle(id), "address")));
    await using shim = await ShimConnection.open(address, silentLogger, START_MS);
    return (await shim.call(shim.methods.start, { id, execId }, { timeoutMs: START_MS })).pid;
  }

  /** One whom shims can tell nothing. */
  async function startDeafDaemon(): Promise<void> {
    await host.startDaemon();
    await rm(`${host.address}.ttrpc`);
  }

  async function removeWithExecs(id: string, init: number): Promise<void> {
    process.kill(init, "SIGKILL");
    await host.tasks.wait(host.ctx, id, "");
    await host.tasks.delete(host.ctx, id);
  }

  const endsOf = (init: number, exec: number) => [
    ["/tasks/delete", "c", init, 137],
    ["/tasks/exit", "c", init, 137],
    ["/tasks/exit", "e", exec, 137],
  ];

  /** Exits and deletes as `[topic, id, pid, status]`. */
  const ends = () =>
    host
      .events()
      .filter(({ topic }) => topic === "/tasks/exit" || topic === "/tasks/delete")
      .map(({ topic, id, pid, exitStatus }) => [topic, id, pid, exitStatus]);

  const verdicts = () =>
    host.ledger.events.flatMap(({ topic, event }) =>
      topic.startsWith("/berth/") && event !== undefined ? [{ topic, ...decodeEvent(event) }] : [],
    );

  /** Ends a process that traps SIGTERM; before its trap is set it would die of the signal, or as init not feel it. */
  async function terminate(pid: number): Promise<void> {
    await until(`process ${pid} to have its trap`, () => catchesTerm(pid));
    process.kill(pid, "SIGTERM");
    await until(`process ${pid} to end`, () => isGone(pid));
  }

  async function kill(pid: number): Promise<void> {
    process.kill(pid, "SIGKILL");
    await until(`process ${pid} to be gone`, () => isGone(pid));
  }

  test("what ended meanwhile is told before anybody is served, and once", async () => {
    const init = await run("c", ON_TERM(7));
    const quick = await exec("c", "quick", ON_TERM(5));
    const other = await run("other", FOREVER);
    const spoilt = await exec("other", "spoilt", FOREVER);
    await host.stopDaemon();
    await terminate(quick);
    await terminate(init);
    await kill(spoilt);
    await host.startDaemon();
    const told = [
      ["/tasks/exit", "c", init, 7],
      ["/tasks/exit", "quick", quick, 5],
      ["/tasks/exit", "spoilt", spoilt, 137],
    ];
    expect(ends().sort()).toEqual(told);
    expect(verdicts()).toHaveLength(3);
    expect(verdicts()).toContainEqual({
      topic: VERDICT_TOPICS.settled,
      container_id: "c",
      exec_id: "quick",
      pid: quick,
      exit_status: 5,
      is_exit_known: true,
      reason: "it ended while no daemon was running",
    });
    await host.tasks.delete(host.ctx, "c");
    expect(ends()).toHaveLength(4);
    expect((await host.tasks.get(host.ctx, "other", "")).pid).toBe(other);
  });

  test("a task whose shim died after its end has ended, nobody knows how", async () => {
    const pid = await run("c", ON_TERM(7));
    const shim = await host.shimPid("c");
    await host.stopDaemon();
    await terminate(pid);
    await kill(shim);
    await host.startDaemon();
    expect(ends()).toEqual([
      ["/tasks/exit", "c", pid, 255],
      ["/tasks/delete", "c", pid, 255],
    ]);
    expect(verdicts()).toEqual([
      { topic: VERDICT_TOPICS.lost, container_id: "c", pid, exit_status: 255, reason: "its shim was gone" },
    ]);
    expect(await host.leftovers("c")).toEqual([]);
  });

  test("a task whose start was cut off when its process ran already is started again", async () => {
    const { pid } = await host.task("c", FOREVER);
    const fifo = `/run/containerd/runc/${host.namespace}/c/exec.fifo`;
    await host.stopDaemon();
    // What a runc does that is killed before it removes the FIFO.
    expect(await readFile(fifo, "utf8")).toBe("0");
    await until("the process to run", async () => (await readFile(`/proc/${pid}/cmdline`, "utf8")).startsWith("sleep"));
    await host.startDaemon();
    expect((await host.tasks.get(host.ctx, "c", "")).status).toBe("created");
    const signal = AbortSignal.timeout(START_MS);
    expect(await host.tasks.start({ ...host.ctx, signal }, "c", "")).toEqual({ pid });
    expect((await host.tasks.get(host.ctx, "c", "")).status).toBe("running");
    await expect(access(fifo)).rejects.toThrow("ENOENT");
    await kill(pid);
    await host.untilEvents("/tasks/exit");
    expect(ends()).toEqual([["/tasks/exit", "c", pid, 137]]);
  });

  test("the end of an exec whose start nobody lived to hear of is told though its shim cannot", async () => {
    const init = await run("c", FOREVER);
    await host.tasks.exec(host.ctx, "c", "e", { ...NO_STDIO, spec: ociProcess(FOREVER) });
    await host.stopDaemon();
    const pid = await startInShim("c", "e");
    await startDeafDaemon();
    await removeWithExecs("c", init);
    expect(ends().sort()).toEqual(endsOf(init, pid));
  });

  test("the end of an exec that the ledger never heard of is told though its shim cannot", async () => {
    const init = await run("c", FOREVER);
    await host.tasks.exec(host.ctx, "c", "e", { ...NO_STDIO, spec: ociProcess(FOREVER) });
    await host.stopDaemon();
    await startDeafDaemon();
    // As a start whose caller gave up waiting.
    const pid = await startInShim("c", "e");
    expect(await host.tasks.get(host.ctx, "c", "e")).toMatchObject({ status: "running", pid });
    await removeWithExecs("c", init);
    expect(ends().sort()).toEqual(endsOf(init, pid));
  });

  test("a task that was not started yet starts as ever", async () => {
    const { pid } = await host.task("c", FOREVER);
    await host.stopDaemon();
    await host.startDaemon();
    expect(await host.tasks.start(host.ctx, "c", "")).toEqual({ pid });
    expect((await host.tasks.get(host.ctx, "c", "")).status).toBe("running");
  });

  test("after a restart of the host records stay and tasks are gone", async () => {
    const pid = await run("c", FOREVER);
    const execPid = await exec("c", "e", FOREVER);
    const shim = await host.shimPid("c");
    await host.stopDaemon();
    await kill(shim);
    await kill(pid);
    await until("the exec to be gone", () => isGone(execPid));
    await rm(host.stateDir, { recursive: true });
    await rm(shimSocketPath(host, host.namespace, "c"));
    await removeNamespaceLeftovers(host.namespace);
    await host.startDaemon();
    expect(await host.tasks.list(host.ctx)).toEqual([]);
    expect(ends().sort()).toEqual([
      ["/tasks/delete", "c", pid, 255],
      ["/tasks/exit", "c", pid, 255],
      ["/tasks/exit", "e", execPid, 255],
    ]);
    expect(verdicts().map(({ topic }) => topic)).toEqual([VERDICT_TOPICS.lost, VERDICT_TOPICS.lost]);
    expect(await host.leftovers("c")).toEqual([]);
    await host.stopDaemon();
    await host.startDaemon();
    expect(ends()).toHaveLength(3);
    await run("c", FOREVER);
  });

  test("a create that was cut short is taken back, and its name is free", async () => {
    await host.stopDaemon();
    host.container("c", FOREVER);
    await mkdir(join(host.bundle("c"), "rootfs"), { recursive: true });
    await writeFile(join(host.bundle("c"), "config.json"), "{}");
    await makeDeadSocket(shimSocketPath(host, host.namespace, "c"));
    await host.startDaemon();
    expect(ends()).toEqual([]);
    expect(verdicts()).toMatchObject([
      { topic: VERDICT_TOPICS.cleaned, container_id: "c", reason: "its create was cut short before there was a shim" },
    ]);
    expect(await host.leftovers("c")).toEqual([]);
    await run("c", FOREVER);
  });

  test("an exec that failed to start is not started again, also by the next daemon", async () => {
    await run("c", FOREVER);
    await expect(exec("c", "e", ["/not/there"])).rejects.toThrow("not/there");
    const refused = { kind: "failed_precondition", message: expect.stringContaining("can only be deleted") };
    await expect(host.tasks.start(host.ctx, "c", "e")).rejects.toMatchObject(refused);
    await host.stopDaemon();
    await host.startDaemon();
    await expect(host.tasks.start(host.ctx, "c", "e")).rejects.toMatchObject(refused);
    await host.tasks.deleteProcess(host.ctx, "c", "e");
    await host.tasks.exec(host.ctx, "c", "fresh", { ...NO_STDIO, spec: ociProcess(["true"]) });
    await host.stopDaemon();
    await host.startDaemon();
    await host.tasks.start(host.ctx, "c", "fresh");
    expect((await host.tasks.wait(host.ctx, "c", "fresh")).exitStatus).toBe(0);
    expect((await host.tasks.get(host.ctx, "c", "")).status).toBe("running");
  });
});

/** What a shim's start leaves that was killed when it had made the socket, before it said where. */
async function makeDeadSocket(path: string): Promise<void> {
  const server = createServer().listen(`${path}.live`);
  await once(server, "listening");
  // Closing takes away the name that was listened under, and no other.
  await link(`${path}.live`, path);
  server.close();
  await once(server, "close");
}

/** Whether SIGTERM (15) is in the mask of the signals that the process catches. */
async function catchesTerm(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
  return (BigInt(`0x${mask}`) & (1n << 14n)) !== 0n;
}

/** Ended, whoever has yet to collect it. */
async function isGone(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat === "" || stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
}
