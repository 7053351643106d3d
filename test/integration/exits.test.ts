// Exits as they are remembered: of runc's tasks and of host processes, after their containers are gone and after an outage of the daemon.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import { DisposeScope } from "../../api/core/dispose.js";
import type { ExitRecord } from "../../api/core/exit-record.js";
import { type Cli, createCli } from "../helpers/cli.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const lacking = requires.root() || requires.binary("containerd-shim-runc-v2") || requires.binary("runc");
const MEMORY_BYTES = 24 * 1024 * 1024;
/** Reads far more than it may hold. */
const HUNGRY = "exec tail -c 400000000 /dev/zero";

describe.skipIf(lacking)("exits", () => {
  const scope = new DisposeScope();
  let daemon: Berthd;
  let client: Client;
  let berth: Cli;
  let rootfs: string;

  beforeAll(async () => {
    const namespace = freshNamespace(scope);
    rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
    daemon = await startBerthd(scope);
    client = scope.use(connect({ address: daemon.address, namespace }));
    berth = createCli("berth", daemon, namespace);
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  const run = (id: string, script: string, ...flags: string[]) =>
    berth.run(["run", "--rootfs", ...flags, rootfs, id, "sh", "-c", script]);
  const runOnHost = (id: string, script: string, ...flags: string[]) =>
    berth.run(["run", "--runtime", "io.berth.process.v1", ...flags, id, "sh", "-c", script]);

  async function exitsOf(containerId: string, execs = false): Promise<ExitRecord[]> {
    const records: ExitRecord[] = [];
    for await (const record of client.exits.list({}, { containerId, execs })) records.push(record);
    return records;
  }
  const lastOf = async (containerId: string): Promise<ExitRecord | undefined> => (await exitsOf(containerId))[0];
  const linesOf = ({ lastLines }: ExitRecord): string[] => lastLines.map((line) => Buffer.from(line).toString());

  test.each([
    ["runc", run],
    ["a process of the host", runOnHost],
  ])("%s: status and times stay when the container is deleted, and count on under its name", async (name, start) => {
    const id = `status-${name.length}`;
    expect((await start(id, "exit 3", "--rm")).code).toBe(3);
    expect((await start(id, "exit 0", "--rm")).code).toBe(0);
    const [second, first] = await exitsOf(id);
    expect(first).toMatchObject({
      attempt: 1,
      exitStatus: 3,
      signal: undefined,
      isOutOfMemory: false,
      requested: undefined,
    });
    expect(second).toMatchObject({ attempt: 2, exitStatus: 0 });
    expect(first?.pid).toBeGreaterThan(0);
    const [started = 0n, exited = 0n] = [first?.startedAtNs, first?.exitedAtNs];
    expect(started).toBeGreaterThan(1_700_000_000_000_000_000n);
    expect(exited).toBeGreaterThanOrEqual(started);
  });

  test("whoever asked is named, and what was printed last is kept", async () => {
    const script =
      "trap 'echo bye; exit 4' TERM; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $i; done; while :; do sleep 0.05; done";
    expect((await run("asked", script, "--detach", "--log", "keep")).code).toBe(0);
    await until("its lines", async () => (await berth.run(["logs", "asked"])).stdout.includes("line 12"));
    expect((await berth.run(["stop", "asked"])).code).toBe(0);
    const record = await until("the last lines", async () => {
      const last = await lastOf("asked");
      return last !== undefined && last.lastLines.length > 0 && last;
    });
    expect(record).toMatchObject({ exitStatus: 4, signal: undefined });
    expect(record.requested).toMatchObject({ signal: 15, uid: 0, by: "berth stop" });
    expect(record.requested?.pid).toBeGreaterThan(0);
    expect(linesOf(record)).toEqual([...[4, 5, 6, 7, 8, 9, 10, 11, 12].map((n) => `line ${n}`), "bye"]);
    const { stdout } = await berth.run(["exits", "asked"]);
    expect(stdout).toMatch(/^asked +1 .* exit 4 after SIGTERM by uid 0 \(berth stop, pid \d+\)/m);
  });

  test("an exec has a record of its own, and its killer", async () => {
    expect((await run("execs", "exec sleep 1000", "--detach")).code).toBe(0);
    await using exec = await berth.start(["tasks", "exec", "--exec-id", "e1", "execs", "sleep", "1000"]);
    await until("the exec", async () => (await client.tasks.get({}, "execs", "e1")).status === "running");
    await client.tasks.kill({}, "execs", "e1", { signal: 9, all: false });
    expect((await exec.result).code).toBe(137);
    const [record] = await exitsOf("execs", true);
    expect(record).toMatchObject({
      execId: "e1",
      attempt: 1,
      exitStatus: 137,
      signal: 9,
      requested: { signal: 9, uid: 0 },
    });
    expect(await exitsOf("execs")).toEqual([]);
    expect((await berth.run(["tasks", "kill", "-s", "SIGKILL", "execs"])).code).toBe(0);
    const killed = await until("the end", () => lastOf("execs"));
    expect(killed).toMatchObject({ exitStatus: 137, signal: 9, requested: { by: "berth tasks kill" } });
  });

  test("want of memory is told by the kernel's own count", async () => {
    const { code } = await run("hungry", HUNGRY, "--rm", "--memory-limit", String(MEMORY_BYTES));
    expect(code).toBe(137);
    expect(await lastOf("hungry")).toMatchObject({
      exitStatus: 137,
      signal: 9,
      isOutOfMemory: true,
      requested: undefined,
    });
    expect((await berth.run(["exits", "hungry"])).stdout).toContain("out of memory");
    const child = await run("hungry-child", `(${HUNGRY}); exit 5`, "--rm", "--memory-limit", String(MEMORY_BYTES));
    expect(child.code).toBe(5);
    expect(await lastOf("hungry-child")).toMatchObject({ exitStatus: 5, signal: undefined, isOutOfMemory: true });
  });

  test("what ended while no daemon was there is told with its status, request and last lines", async () => {
    const script = "trap 'exit 7' USR1; echo waiting; while :; do sleep 0.05; done";
    expect((await run("outage", script, "--detach", "--log", "keep")).code).toBe(0);
    expect((await runOnHost("outage-host", script, "--detach")).code).toBe(0);
    await until("its line", async () => (await berth.run(["logs", "outage"])).stdout.includes("waiting"));
    const pids = (await client.tasks.list({})).filter(({ containerId }) => containerId.startsWith("outage"));
    await daemon.kill();
    for (const { pid } of pids) process.kill(pid, "SIGUSR1");
    await until("their ends", () => pids.every(({ pid }) => !isRunning(pid)));
    daemon = await daemon.restart();
    await client.ready({ timeoutMs: 30_000 });
    for (const id of ["outage", "outage-host"]) {
      const record = await until("the record", () => lastOf(id));
      expect(record).toMatchObject({ exitStatus: 7, attempt: 1, requested: undefined });
    }
    const withLines = await until("the last lines", async () => {
      const record = await lastOf("outage");
      return record !== undefined && record.lastLines.length > 0 && record;
    });
    expect(linesOf(withLines)).toEqual(["waiting"]);
    expect(withLines.startedAtNs).toBeDefined();
  });
});

/** Its shim reaps it at once. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return true;
}
