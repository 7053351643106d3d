// The streams of execs in an instance of LXD, by way of the bridge: what goes through arrives whole, and what LXD forgets is remembered.
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FifoEnds } from "../../api/client/io/fifo-ends.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { silentLogger } from "../../api/core/log.js";
import type { Stdio } from "../../api/core/task.js";
import { type LxdBridge, type LxdExecRequest, openLxdBridge } from "../../runtime/lxd/bridge/client.js";
import { changeState, createInstance } from "../../runtime/lxd/instances.js";
import { LxdServer } from "../../runtime/lxd/server.js";
import { gather, makePipes, takeStreams } from "../helpers/docker-box.js";
import { bridgePid, bridgePids, bridgeProgram, endBridge } from "../helpers/docker-bridge.js";
import { LXD_BUSYBOX, type Lxd, startLxd } from "../helpers/lxd.js";
import { requires } from "../helpers/requires.js";
import { tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const SIGTERM = 15;
const SIGKILL = 9;
const MEBIBYTE = 1024 * 1024;
const NO_STDIO = { stdin: "", stdout: "", stderr: "", terminal: false };
const sha256 = (data: Buffer): string => createHash("sha256").update(data).digest("hex");

/** Whether a process of these words runs anywhere. */
async function runsOnHost(...words: readonly string[]): Promise<boolean> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return lines.includes(words.map((word) => `${word}\0`).join(""));
}

describe.skipIf(requires.root() || requires.binary("lxd"))("the streams of execs of LXD", () => {
  const scope = new DisposeScope();
  let lxd: Lxd;
  let server: LxdServer;
  let dir: string;
  let socketPath: string;
  let bridge: LxdBridge;
  const lost: string[] = [];
  let keys = 0;

  const openBridge = (): LxdBridge =>
    openLxdBridge({
      socketPath,
      lxdSocket: lxd.socketPath,
      program,
      log: silentLogger,
      onLost: (known) => lost.push(...known),
    });
  let program: string;

  /** Starts it in the instance and answers its key. */
  async function start(command: LxdExecRequest["command"], stdio: Stdio, more: Partial<LxdExecRequest> = {}) {
    keys += 1;
    const key = `exec ${keys}`;
    const ids = { uid: 0, gid: 0, cwd: "", env: {} };
    await bridge.exec(key, { namespace: "bt", id: "box", instance: "box", stdio, command, ...ids, ...more });
    return key;
  }
  const sh = (script: string, stdio: Stdio, more?: Partial<LxdExecRequest>): Promise<string> =>
    start(["sh", "-c", script], stdio, more);

  /** Its exit status, when its output has arrived; it is forgotten then. */
  async function ended(key: string): Promise<number> {
    const { exitStatus } = await bridge.exit(key);
    await bridge.finished(key);
    await bridge.release(key);
    return exitStatus;
  }

  beforeAll(async () => {
    lxd = await startLxd(scope);
    server = scope.use(new LxdServer({ socketPath: lxd.socketPath }));
    await createInstance(server, { name: "box", source: { type: "alias", alias: LXD_BUSYBOX } });
    await changeState(server, "box", "start");
    dir = await tempDir(scope);
    socketPath = join(dir, "bridge.sock");
    program = await bridgeProgram(scope, {}, "berth-lxd-bridge");
    scope.defer(() => endBridge(socketPath));
    bridge = scope.use(openBridge());
  }, 120_000);
  afterAll(() => scope[Symbol.asyncDispose](), 60_000);

  test("input and both outputs, whose end the client sends", async () => {
    using pipes = await makePipes(dir);
    const more = { env: { GIVEN: "a b" }, uid: 5, gid: 6, cwd: "/tmp" };
    const key = await sh("echo $GIVEN $(id -u):$(id -g) $(pwd); echo to stderr >&2; cat; exit 7", pipes.stdio, more);
    const { stdin, stdout, stderr } = takeStreams(pipes);
    stdin.end("typed\n");
    await bridge.closeStdin(key);
    expect(await text(stdout)).toBe("a b 5:6 /tmp\ntyped\n");
    expect(await text(stderr)).toBe("to stderr\n");
    expect(await ended(key)).toBe(7);
    expect(await bridge.keys()).toEqual([]);
  });

  test("the end of the input goes on when the daemon sends it, too; output goes on after it", async () => {
    using pipes = await makePipes(dir);
    const key = await sh("cat; echo end", pipes.stdio);
    const { stdin, stdout } = takeStreams(pipes);
    const said = gather(stdout);
    stdin.write("one\n");
    await until("what was typed", () => said() === "one\n");
    await bridge.closeStdin(key);
    stdin.end("two\n");
    expect(await ended(key)).toBe(0);
    expect(said()).toBe("one\ntwo\nend\n");
  });

  test("50 MB in and out, byte for byte, no faster than they are read", async () => {
    using pipes = await makePipes(dir);
    const key = await start(["cat"], pipes.stdio);
    const { stdin, stdout } = takeStreams(pipes);
    const block = randomBytes(MEBIBYTE);
    const [sent, got] = [createHash("sha256"), createHash("sha256")];
    const sending = (async () => {
      for (let sentBlocks = 0; sentBlocks < 50; sentBlocks += 1) {
        block.writeUInt32BE(sentBlocks);
        sent.update(block);
        await new Promise((resolve) => stdin.write(Buffer.from(block), resolve));
      }
      stdin.end();
      await bridge.closeStdin(key);
    })();
    let sizeBytes = 0;
    for await (const chunk of stdout) {
      got.update(chunk as Buffer);
      sizeBytes += (chunk as Buffer).length;
    }
    await sending;
    expect(sizeBytes).toBe(50 * MEBIBYTE);
    expect(got.digest("hex")).toBe(sent.digest("hex"));
    expect(await ended(key)).toBe(0);
  });

  test("a reader who does not come holds the process up, and his output back", async () => {
    using pipes = await makePipes(dir);
    const key = await sh("head -c 40000000 /dev/zero; echo done >&2", pipes.stdio);
    const { stdout, stderr } = takeStreams(pipes);
    const said = gather(stderr);
    await once(stdout, "readable");
    expect(said()).toBe("");
    let sizeBytes = 0;
    for await (const chunk of stdout) sizeBytes += (chunk as Buffer).length;
    expect(sizeBytes).toBe(40_000_000);
    expect(await ended(key)).toBe(0);
    expect(said()).toBe("done\n");
  });

  test("the exit of a process whose output nobody reads is told", async () => {
    using pipes = await makePipes(dir);
    const key = await sh("head -c 1000000 /dev/zero; exit 3", pipes.stdio);
    pipes.ends.release();
    expect((await bridge.exit(key)).exitStatus).toBe(3);
    await bridge.finished(key);
    await bridge.release(key);
  });

  test("one that is killed while nobody reads its output ends", async () => {
    using pipes = await makePipes(dir);
    const key = await sh("exec yes", pipes.stdio);
    const { stdout } = takeStreams(pipes);
    await once(stdout, "readable");
    await bridge.kill(key, SIGKILL);
    expect((await bridge.exit(key)).exitStatus).toBe(128 + SIGKILL);
    stdout.resume();
    await bridge.finished(key);
    await bridge.release(key);
  });

  test("a terminal with its size, and every byte that is typed", async () => {
    using pipes = await makePipes(dir, { terminal: true });
    // LXD does not say when it has changed the size.
    const resized = "while [ \"$(stty size)\" = '30 100' ]; do sleep 0.05; done; stty size";
    const script = `stty size; ${resized}; stty raw -echo; echo ready; head -c 7 | od -An -tx1; read y; exit 4`;
    const key = await sh(script, pipes.stdio, { size: { columns: 100, rows: 30 } });
    const { stdin, stdout } = takeStreams(pipes);
    const said = gather(stdout);
    await until("the first size", () => said().includes("30 100\r\n"));
    await bridge.resize(key, 120, 40);
    await until("the second size", () => said().includes("40 120\r\n"));
    await until("the prompt", () => said().includes("ready"));
    stdin.write(Buffer.from("0003041aff0180", "hex"));
    await until("what was typed", () => said().includes("00 03 04 1a ff 01 80"));
    // LXD may lose what a terminal shows at the very end, so the end waits.
    stdin.write("\n");
    expect(await ended(key)).toBe(4);
  });

  test("signals", async () => {
    const key = await sh("trap 'exit 9' TERM; echo ready > /tmp/ready; while :; do sleep 0.1; done", NO_STDIO);
    await until("it to run", async () => (await lxd.run(["exec", "box", "--", "test", "-e", "/tmp/ready"])).code === 0);
    await bridge.kill(key, SIGTERM);
    const exit = await bridge.exit(key);
    expect(exit).toEqual({ exitStatus: 9, exitedAtNs: expect.any(BigInt) });
    expect(await bridge.exit(key)).toEqual(exit);
    await expect(bridge.kill(key, SIGTERM)).rejects.toMatchObject({ kind: "not_found" });
    await expect(bridge.resize(key, 1, 1)).rejects.toMatchObject({ kind: "not_found" });
    await bridge.release(key);
    await expect(bridge.exit(key)).rejects.toMatchObject({ kind: "not_found" });
    await expect(bridge.kill(key, SIGTERM)).rejects.toMatchObject({ kind: "not_found" });
  });

  test("what was not run is told from what ended so", async () => {
    const exitOf = async (command: LxdExecRequest["command"]) => {
      const key = await start(command, NO_STDIO);
      const { exitStatus, refusal } = await bridge.exit(key);
      await bridge.release(key);
      return [exitStatus, refusal];
    };
    expect(await exitOf(["/nope"])).toEqual([127, "command not found"]);
    expect(await exitOf(["/etc/passwd"])).toEqual([126, "command not executable"]);
    expect(await exitOf(["sh", "-c", "exit 127"])).toEqual([127, undefined]);
    expect(await exitOf(["sh", "-c", "exit 126"])).toEqual([126, undefined]);
  });

  test("what cannot be opened is told, and nothing has started", async () => {
    const missing = { ...NO_STDIO, stdout: join(dir, "missing", "fifo") };
    await expect(sh("touch /tmp/started", missing)).rejects.toMatchObject({ kind: "unknown" });
    expect((await lxd.run(["exec", "box", "--", "test", "-e", "/tmp/started"])).code).toBe(1);
    await expect(start(["true"], NO_STDIO, { instance: "nobody" })).rejects.toMatchObject({ kind: "not_found" });
    await createInstance(server, { name: "idle", source: { type: "alias", alias: LXD_BUSYBOX } });
    await expect(start(["true"], NO_STDIO, { instance: "idle" })).rejects.toMatchObject({
      kind: "failed_precondition",
    });
    expect(await bridge.keys()).toEqual([]);
  });

  test("files with an address and log programs", async () => {
    const log = join(dir, "logs", "made.log");
    const toFile = { ...NO_STDIO, stdout: `file://${log}`, stderr: `file://${log}` };
    expect(await ended(await sh("echo one; echo two >&2", toFile))).toBe(0);
    expect((await readFile(log, "utf8")).split("\n").sort()).toEqual(["", "one", "two"]);
    const [logger, logged] = [join(dir, "logger"), join(dir, "logged")];
    await writeFile(logger, '#!/bin/sh\necho "$CONTAINER_ID" > "$2"\nexec 5>&-\ncat <&3 >> "$2"\ncat <&4 >> "$2"\n');
    await chmod(logger, 0o755);
    const address = `binary://${logger}?to=${logged}`;
    expect(await ended(await sh("echo one; echo two >&2", { ...NO_STDIO, stdout: address, stderr: address }))).toBe(0);
    expect(await readFile(logged, "utf8")).toBe("box\none\ntwo\n");
  });

  test("a reader who goes and comes back misses nothing", async () => {
    using pipes = await makePipes(dir);
    const key = await sh("while read x; do echo got $x; done", pipes.stdio);
    const first = takeStreams(pipes);
    const said = gather(first.stdout);
    first.stdin.write("one\n");
    await until("the first answer", () => said() === "got one\n");
    first.stdout.destroy();
    await new Promise((resolve) => first.stdin.write("two\n", resolve));
    using again = FifoEnds.attach(pipes.stdio);
    first.stdin.destroy();
    const { stdin, stdout } = again.streams();
    if (stdin === undefined || stdout === undefined) throw new Error("there are no pipes");
    const saidAgain = gather(stdout);
    await until("the second answer", () => saidAgain() === "got two\n");
    stdin.end();
    await bridge.closeStdin(key);
    expect(await ended(key)).toBe(0);
  });

  test("the bridge goes on while the daemon is away", async () => {
    using pipes = await makePipes(dir);
    const key = await sh("while read x; do echo got $x; done; exit 5", pipes.stdio);
    const pid = await bridgePid(socketPath);
    await bridge[Symbol.asyncDispose]();
    const { stdin, stdout } = takeStreams(pipes);
    const said = gather(stdout);
    stdin.write("one\n");
    await until("the answer", () => said() === "got one\n");
    bridge = scope.use(openBridge());
    expect(await bridge.keys()).toEqual([key]);
    stdin.end("two\n");
    await bridge.closeStdin(key);
    expect(await ended(key)).toBe(5);
    expect(said()).toBe("got one\ngot two\n");
    expect(await bridgePids(socketPath)).toEqual([pid]);
  });

  test("a bridge that is killed takes its execs with it, and is replaced", async () => {
    lost.length = 0;
    using pipes = await makePipes(dir);
    const key = await sh("exec sleep 1234", pipes.stdio);
    await until("it to run", () => runsOnHost("sleep", "1234"));
    const ending = bridge.exit(key);
    const pid = await until("the bridge", () => bridgePid(socketPath));
    process.kill(pid, "SIGKILL");
    await expect(ending).rejects.toMatchObject({ kind: "not_found" });
    await bridge.finished(key);
    expect(lost).toEqual([key]);
    await until("the process to end", async () => !(await runsOnHost("sleep", "1234")));
    expect(await ended(await sh("exit 6", NO_STDIO))).toBe(6);
  });

  test("an instance that is stopped by force ends them", async () => {
    using pipes = await makePipes(dir);
    const key = await sh("exec yes", pipes.stdio);
    const { stdout } = takeStreams(pipes);
    await once(stdout, "readable");
    await changeState(server, "box", "stop", { isForced: true });
    expect((await bridge.exit(key)).exitStatus).toBe(128 + SIGKILL);
    stdout.resume();
    await bridge.finished(key);
    await bridge.release(key);
    await changeState(server, "box", "start");
  });

  test("an LXD that is killed leaves nobody who knows how they end, and those that have ended are remembered", async () => {
    using pipes = await makePipes(dir);
    const key = await start(["cat"], pipes.stdio);
    const { stdout } = takeStreams(pipes);
    const before = await sh("exit 3", NO_STDIO);
    await bridge.exit(before);
    await lxd.kill9();
    expect(await text(stdout)).toBe("");
    expect((await bridge.exit(key)).exitStatus).toBe(255);
    await bridge.finished(key);
    await bridge.release(key);
    await lxd.restart();
    expect(await ended(before)).toBe(3);
    expect(await ended(await sh("exit 8", NO_STDIO))).toBe(8);
  });

  test("50 MB from a program to a file have the sum that it says", async () => {
    const out = join(dir, "out");
    const stdio = { ...NO_STDIO, stdout: `file://${out}`, stderr: `file://${out}` };
    expect(await ended(await sh("head -c 50000000 /dev/urandom > /tmp/r; cat /tmp/r", stdio))).toBe(0);
    const said = (await lxd.must(["exec", "box", "--", "sha256sum", "/tmp/r"])).split(" ")[0];
    expect(sha256(await readFile(out))).toBe(said);
  });
});
