// Logs of tasks by real programs: what is kept of whom, that clients notice nothing of it, and that nothing is lost when daemon and
// log process are killed in the middle.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, readdir, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { decodeEvent } from "../../api/core/event-fields.js";
import { type Cli, createCli } from "../helpers/cli.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { pidsWithArgument } from "../helpers/leftovers.js";
import { ownProgram } from "../helpers/own-program.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const PROCESS = "io.berth.process.v1";
const LINES = 1_000_000;
const SEGMENT_BYTES = 100 * 1024 * 1024;
/** A thousand bytes each, with its number. */
const WRITER = `const pad = "x".repeat(1012);
for (let at = 0; at < ${LINES}; ) {
  let text = "";
  for (const end = Math.min(${LINES}, at + 500); at < end; at += 1) text += String(at + 1).padStart(11, "0") + pad + "\\n";
  for (let rest = Buffer.from(text); rest.length > 0; ) rest = rest.subarray(require("node:fs").writeSync(1, rest));
}`;

/** Processes that have the pipe of a container's stdout open. */
async function findReaders(id: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const path = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => "");
      if (path.endsWith(`/${id}-stdout`)) found.push(Number(pid));
    }
  }
  return found;
}

describe("logs", () => {
  const scope = new DisposeScope();
  let daemon: Berthd;
  let client: Client;
  let namespace: string;
  let cli: Cli;
  /** The namespace in the ids makes pipes on this host recognisable. */
  const idOf = (name: string): string => `${namespace}-${name}`;
  const run = (...args: string[]) => cli.run(["run", "--runtime", PROCESS, ...args]);
  const logProcess = () => join(daemon.stateDir, "logs", "log-writer.sock");
  const logFolder = (id: string) => join(daemon.rootDir, "logs", namespace, id);
  const untilStopped = (id: string) =>
    until(`${id} to end`, async () => (await client.tasks.get({ namespace }, id, "")).status === "stopped");

  beforeAll(async () => {
    namespace = freshNamespace(scope);
    daemon = await startBerthd(scope);
    client = scope.use(connect({ address: daemon.address, namespace }));
    cli = createCli("berth", daemon, namespace);
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  test("a detached task's output is kept, both streams of it, and nobody has to read it", async () => {
    const script = "echo one; echo two >&2; head -c 3000000 /dev/zero | tr '\\0' x; echo; printf three";
    expect(await run("-d", idOf("kept"), "sh", "-c", script)).toMatchObject({ code: 0, stdout: "", stderr: "" });
    await untilStopped(idOf("kept"));
    await until("all of it", async () => (await cli.run(["logs", "-n", "1", idOf("kept")])).stdout === "three");
    const { stdout, stderr } = await cli.run(["logs", idOf("kept")]);
    expect(stdout).toBe(`one\n${"x".repeat(3_000_000)}\nthree`);
    expect(stderr).toBe("two\n");
    expect((await cli.run(["logs", "--stderr", idOf("kept")])).stdout).toBe("");
    const json = (await cli.run(["logs", "--format", "jsonl", "-n", "1", idOf("kept")])).stdout;
    expect(JSON.parse(json)).toMatchObject({ stream: "stdout", attempt: 1, text: "three", partial: true });
    const fields = (...flags: readonly string[]) =>
      cli.run(["logs", ...flags, "--fields", "attempt,text,base64", "-n", "1", idOf("kept")]);
    expect(await fields()).toMatchObject({ code: 0, stdout: "1\tthree\t-\n" });
    expect(JSON.parse((await fields("--format", "jsonl")).stdout)).toEqual({ attempt: 1, text: "three", base64: null });
  });

  test("whoever runs in the foreground sees what he always saw, and it is kept all the same", async () => {
    const words = [idOf("seen"), "sh", "-c", "cat; echo err >&2; exit 3"];
    const seen = await cli.run(["run", "--runtime", PROCESS, ...words], { input: "in\n" });
    expect(seen).toMatchObject({ code: 3, stdout: "in\n", stderr: "err\n" });
    expect((await cli.run(["logs", idOf("seen")])).stdout).toBe("in\n");
  });

  test.skipIf(requires.root() || requires.runc() || requires.binary("ctr"))(
    "under runc ctr's own pipes are what everybody hears of, and who attaches after a restart of the daemon is served",
    async () => {
      const id = idOf("runc");
      const rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
      const ctr = createCli("ctr", daemon, namespace);
      const script = "echo first; while ! [ -e /go ]; do sleep 0.1; done; echo second";
      const events = client.events.subscribe({ filters: ['topic=="/tasks/create"'] });
      const started = await ctr.run([
        ...["run", "-d", "--label", "berth.io/log=keep", "--rootfs", rootfs, id, "/bin/sh", "-c", script],
      ]);
      expect(started).toMatchObject({ code: 0, stderr: "" });
      for await (const { event } of events) {
        const told = event === undefined ? {} : (decodeEvent(event) ?? {});
        if (!("container_id" in told) || told["container_id"] !== id) continue;
        expect(told).toMatchObject({ io: { stdout: expect.stringMatching(/^\/run\/containerd\/fifo\//) } });
        break;
      }
      await daemon.stop();
      daemon = await daemon.restart();
      expect((await client.tasks.get({ namespace }, id, "")).stdout).toMatch(/^\/run\/containerd\/fifo\//);
      const attached = await ctr.start(["t", "attach", id]);
      await until("somebody to read", async () => (await findReaders(id)).includes(attached.pid));
      await writeFile(join(rootfs, "go"), "");
      expect(await attached.result).toMatchObject({ code: 0, stdout: "second\n" });
      expect((await cli.run(["logs", id])).stdout).toBe("first\nsecond\n");
      expect((await ctr.run(["c", "rm", id])).code).toBe(0);
    },
  );

  test("the doctor finds the log of a container that is gone, and takes it away", async () => {
    const folder = logFolder(idOf("stray"));
    await mkdir(folder, { recursive: true });
    const found = await cli.run(["doctor", "--repair", "--format", "jsonl"]);
    const findings = found.stdout.split("\n").filter((line) => line.includes(folder));
    expect(findings.map((line) => JSON.parse(line))).toMatchObject([{ kind: "log-without-container", repaired: true }]);
    expect(existsSync(folder)).toBe(false);
  });

  test("the next task of a container goes on in its log; rotation keeps what the labels say", async () => {
    const labels = ["--label", "berth.io/log.max-size=4096", "--label", "berth.io/log.max-segments=3"];
    const script = "i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo $i-xxxxxxxxxxxxxxxxxxxxxxxxx; done";
    expect((await run("-d", ...labels, idOf("small"), "sh", "-c", script)).code).toBe(0);
    await untilStopped(idOf("small"));
    await client.tasks.delete({ namespace }, idOf("small"));
    expect((await cli.run(["tasks", "start", "-d", idOf("small")])).code).toBe(0);
    await untilStopped(idOf("small"));
    await client.tasks.delete({ namespace }, idOf("small"));
    const lines = (await cli.run(["logs", "--format", "jsonl", idOf("small")])).stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.at(-1)).toMatchObject({ number: 600, attempt: 2, text: "300-xxxxxxxxxxxxxxxxxxxxxxxxx" });
    const first = lines[0].number;
    expect(first).toBeGreaterThan(400);
    expect(lines.map(({ number }) => number)).toEqual(lines.map((_, index) => first + index));
    expect(readdirSync(logFolder(idOf("small"))).filter((name) => name.endsWith(".log"))).toHaveLength(3);
    const behind = await cli.run(["logs", "--after", "10", "-n", "1", idOf("small")]);
    expect(behind.stdout).toBe("300-xxxxxxxxxxxxxxxxxxxxxxxxx\n");
    expect((await cli.run(["logs", "--after", "10", idOf("small")])).stderr).toContain(
      `before number ${first} have been`,
    );
  });

  test("what is not to be kept is not, a label that means nothing is refused, and a log goes with its container", async () => {
    expect((await run("-d", "--log", "none", idOf("none"), "true")).code).toBe(0);
    const refused = await cli.run(["logs", idOf("none")]);
    expect(refused).toMatchObject({
      code: 5,
      stderr: expect.stringContaining(`container "${idOf("none")}" keeps no log`),
    });
    expect(existsSync(logFolder(idOf("none")))).toBe(false);
    const odd = await run("-d", "--label", "berth.io/log=perhaps", idOf("odd"), "true");
    expect(odd.stderr).toContain('label berth.io/log: "perhaps" is neither keep nor none');
    expect((await run(idOf("gone"), "echo", "hi")).code).toBe(0);
    expect(existsSync(logFolder(idOf("gone")))).toBe(true);
    expect((await cli.run(["containers", "rm", idOf("gone")])).code).toBe(0);
    await until("the log to go", () => !existsSync(logFolder(idOf("gone"))));
  });

  test("a gigabyte through ten rotations, followed, while daemon and log process are killed: every line once", async () => {
    const labels = ["--label", `berth.io/log.max-size=${SEGMENT_BYTES}`, "--label", "berth.io/log.max-segments=20"];
    const started = await run("-d", ...labels, idOf("large"), process.execPath, "-e", WRITER);
    expect(started).toMatchObject({ code: 0, stderr: "" });
    const [program, ...first] = ownProgram("berth");
    const words = [...first, "-a", daemon.address, "-n", namespace, "logs", "-f", idOf("large")];
    const follower = spawn(program, words, { stdio: ["ignore", "pipe", "inherit"] });
    scope.defer(() => void follower.kill("SIGKILL"));
    const pad = "x".repeat(1012);
    let count = 0;
    let wrong = "";
    const reading = (async () => {
      for await (const line of createInterface({ input: follower.stdout })) {
        count += 1;
        if (wrong === "" && line !== String(count).padStart(11, "0") + pad)
          wrong = `line ${count}: ${line.slice(0, 80)}`;
        if (count === LINES) return;
      }
    })();
    const untilAt = (lines: number) => until(`${lines} lines`, () => count >= lines || wrong !== "", 60_000);
    const killLogProcess = async (): Promise<void> => {
      for (const pid of await pidsWithArgument(logProcess())) process.kill(pid, "SIGKILL");
    };
    await untilAt(100_000);
    await daemon.stop();
    daemon = await daemon.restart();
    await untilAt(300_000);
    await killLogProcess();
    await untilAt(500_000);
    await daemon.kill();
    daemon = await daemon.restart();
    await killLogProcess();
    await reading;
    expect([wrong, count]).toEqual(["", LINES]);
    follower.kill("SIGTERM");
    await once(follower, "exit");
    expect(readdirSync(logFolder(idOf("large"))).filter((name) => name.endsWith(".log")).length).toBeGreaterThan(10);
    await untilStopped(idOf("large"));
    await client.tasks.delete({ namespace }, idOf("large"));
    expect(existsSync(join(daemon.stateDir, "logs", namespace, idOf("large")))).toBe(false);
  });
});
