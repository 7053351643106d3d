// The bridge's own life: it outlives daemons, comes back when it is killed, takes up its streams when the engine comes back, ends when
// nobody needs it, and leaves nothing.
import { mkdir, readdir, stat } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FifoEnds } from "../../api/client/io/fifo-ends.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { silentLogger } from "../../api/core/log.js";
import { BridgeServer } from "../../runtime/bridge/server.js";
import { Streams } from "../../runtime/bridge/streams.js";
import { type Bridge, type BridgeOptions, openBridge } from "../../runtime/docker/bridge/client.js";
import { openDockerSource } from "../../runtime/docker/bridge/docker-source.js";
import { gather, makeBox, makePipes, takeStreams } from "../helpers/docker-box.js";
import { bridgePid, bridgePids, bridgeProgram, endBridge } from "../helpers/docker-bridge.js";
import { type DockerEngine, startEngine } from "../helpers/docker-engine.js";
import { secureEngine } from "../helpers/docker-tls.js";
import { requires } from "../helpers/requires.js";
import { tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const NULL_STDIO = { stdin: "", stdout: "", stderr: "", terminal: false };
const lacking = requires.root() || requires.binary("dockerd") || requires.binary("busybox");
/** Answers each line that is typed, until its end or an empty one. */
const ECHO = ["sh", "-c", 'while read line && test -n "$line"; do echo got $line; done; echo end'];

const descriptorsOf = async (pid: number): Promise<number> => (await readdir(`/proc/${pid}/fd`)).length;

describe.skipIf(lacking)("the bridge for docker tasks", () => {
  const scope = new DisposeScope();
  let engine: DockerEngine;
  let program: string;
  let dir: string;

  /** A bridge of one test, with the means to open it once more, as a daemon that was started again does. */
  async function openOwn(own: DisposeScope, options: Partial<BridgeOptions> = {}) {
    const socketPath = options.socketPath ?? join(await tempDir(own), "bridge.sock");
    own.defer(() => endBridge(socketPath));
    const open = (): Bridge =>
      own.use(openBridge({ socketPath, host: engine.host, program, log: silentLogger, ...options }));
    return { socketPath, bridge: open(), open };
  }

  beforeAll(async () => {
    engine = await startEngine(scope, { liveRestore: true });
    program = await bridgeProgram(scope);
    dir = await tempDir(scope);
  }, 120_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  test("streams go on while the daemon is away", async () => {
    await using own = new DisposeScope();
    const { socketPath, bridge, open } = await openOwn(own);
    using pipes = await makePipes(dir);
    const made = await makeBox({ bridge, host: engine.host }, ECHO, pipes.stdio);
    await made.start();
    const { stdin, stdout } = takeStreams(pipes);
    const said = gather(stdout);
    stdin.write("one\n");
    await until("the first answer", () => said() === "got one\n");
    const pid = await bridgePid(socketPath);
    await bridge[Symbol.asyncDispose]();
    stdin.write("two\n");
    await until("the second answer", () => said().endsWith("got two\n"));
    const next = open();
    await next.attach(made.key, {
      namespace: "bt",
      id: "a",
      containerId: made.dockerId,
      stdio: pipes.stdio,
      openStdin: true,
      again: true,
    });
    expect(await next.keys()).toEqual([made.key]);
    stdin.end("three\n");
    await next.closeStdin(made.key);
    await made.exited();
    await next.finished(made.key);
    expect(said()).toBe("got one\ngot two\ngot three\nend\n");
    await next.release(made.key);
    expect(await bridgePids(socketPath)).toEqual([pid]);
  });

  test("a bridge that is killed is replaced, and tasks go on", async () => {
    await using own = new DisposeScope();
    const lost: string[] = [];
    const { socketPath, bridge } = await openOwn(own, { onLost: (keys) => lost.push(...keys) });
    using pipes = await makePipes(dir);
    const script = "trap 'echo asked' USR1; while :; do sleep 1000 & wait; done";
    const made = await makeBox({ bridge, host: engine.host }, ["sh", "-c", script], pipes.stdio);
    await made.start();
    using execPipes = await makePipes(dir);
    const exec = await made.exec(["sleep", "1000"], execPipes.stdio);
    const pid = await bridgePid(socketPath);
    if (pid !== undefined) process.kill(pid, "SIGKILL");
    await until("the loss to be told", () => lost.length === 2);
    expect(lost.sort()).toEqual([made.key, exec.key].sort());
    await bridge.finished(exec.key);
    expect(await bridge.keys()).toEqual([made.key]);
    using again = FifoEnds.attach(pipes.stdio);
    const { stdout } = again.streams();
    const said = stdout === undefined ? () => "" : gather(stdout);
    await until("an answer", async () => {
      await engine.must(["kill", "-s", "USR1", made.dockerId]);
      return said().includes("asked\n");
    });
    await made.kill();
    expect(await made.remove()).toBe(137);
  });

  test("an engine that is killed and comes back finds its streams waiting", async () => {
    await using own = new DisposeScope();
    const { bridge } = await openOwn(own);
    using pipes = await makePipes(dir);
    const made = await makeBox({ bridge, host: engine.host }, ECHO, pipes.stdio);
    await made.start();
    using endedPipes = await makePipes(dir);
    const ended = await makeBox({ bridge, host: engine.host }, ["sleep", "1000"], endedPipes.stdio);
    await ended.start();
    const { stdin, stdout } = takeStreams(pipes);
    const said = gather(stdout);
    stdin.write("one\n");
    await until("the first answer", () => said() === "got one\n");
    await engine.kill9();
    await engine.restart();
    await ended.kill();
    expect(await ended.remove()).toBe(137);
    await until("an answer", () => {
      stdin.write("more\n");
      return said().includes("got more\n");
    });
    // Such an engine does not hand the end of the input on any more.
    stdin.end("\n");
    expect(await made.remove()).toBe(0);
    expect(said().endsWith("end\n")).toBe(true);
  }, 120_000);

  test("bridge and engine killed: both come back, and so do the streams", async () => {
    await using own = new DisposeScope();
    const { socketPath, bridge } = await openOwn(own);
    using pipes = await makePipes(dir);
    const script = "trap 'echo asked' USR1; while :; do sleep 1000 & wait; done";
    const made = await makeBox({ bridge, host: engine.host }, ["sh", "-c", script], pipes.stdio);
    await made.start();
    await engine.kill9();
    const pid = await bridgePid(socketPath);
    if (pid !== undefined) process.kill(pid, "SIGKILL");
    await until("another bridge", async () => (await bridgePid(socketPath)) !== pid);
    expect(await bridge.keys()).toEqual([made.key]);
    await engine.restart();
    using again = FifoEnds.attach(pipes.stdio);
    const { stdout } = again.streams();
    const said = stdout === undefined ? () => "" : gather(stdout);
    await until("an answer", async () => {
      await engine.must(["kill", "-s", "USR1", made.dockerId]);
      return said().includes("asked\n");
    });
    await made.kill();
    expect(await made.remove()).toBe(137);
  });

  test("without daemon and engine it does not wait for ever", async () => {
    await using own = new DisposeScope();
    const socketPath = join(await tempDir(own), "bridge.sock");
    let ended: Promise<void> | undefined;
    await new Promise<void>((resolve) => {
      ended = new BridgeServer({
        socketPath,
        streams: (deps, onEnd) => new Streams(openDockerSource, deps, onEnd),
        // Somebody has to come in this time, on a machine with much else to do.
        idleMs: 1000,
        patienceMs: 100,
        onReady: resolve,
      }).serve();
    });
    const { bridge } = await openOwn(own, { socketPath });
    using pipes = await makePipes(dir);
    const made = await makeBox({ bridge, host: engine.host }, ["sleep", "1000"], pipes.stdio);
    await made.start();
    const { stdout } = takeStreams(pipes);
    await engine.kill9();
    await bridge[Symbol.asyncDispose]();
    await ended;
    expect(await text(stdout)).toBe("");
    await engine.restart();
    await made.kill();
  });

  test("daemons that start one at the same time share it", async () => {
    await using own = new DisposeScope();
    const { socketPath, bridge, open } = await openOwn(own);
    const bridges = [bridge, ...Array.from({ length: 5 }, open)];
    using pipes = await makePipes(dir);
    const attach = (one: Bridge, index: number): Promise<void> =>
      one.attach(`key ${index}`, {
        namespace: "bt",
        id: "a",
        containerId: "nobody",
        stdio: pipes.stdio,
        openStdin: false,
      });
    const told = await Promise.allSettled(bridges.map(attach));
    expect(told.map((one) => one.status === "rejected" && String(one.reason))).toEqual(
      bridges.map(() => expect.stringContaining("No such container: nobody")),
    );
    expect(await bridgePids(socketPath)).toHaveLength(1);
  });

  test("a path that is longer than a socket's address", async () => {
    await using own = new DisposeScope();
    const folder = join(await tempDir(own), "a".repeat(100), "b".repeat(100));
    await mkdir(folder, { recursive: true });
    const { socketPath, bridge } = await openOwn(own, { socketPath: join(folder, "bridge.sock") });
    const made = await makeBox({ bridge, host: engine.host }, ["echo", "hello"], {
      ...NULL_STDIO,
      stdout: `file://${folder}/log`,
      stderr: `file://${folder}/log`,
    });
    await made.start();
    expect(await made.remove()).toBe(0);
    expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
  });

  test("an engine behind TLS", async () => {
    await using own = new DisposeScope();
    const { host, certificates } = await secureEngine(own, engine.socketPath);
    const secured = await bridgeProgram(own, { DOCKER_CERT_PATH: certificates });
    const { bridge } = await openOwn(own, { host, program: secured });
    using pipes = await makePipes(dir);
    const made = await makeBox({ bridge, host: engine.host }, ["sh", "-c", "sleep 1; wc -c"], pipes.stdio);
    await made.start();
    const { stdin, stdout } = takeStreams(pipes);
    stdin.end(Buffer.alloc(1_000_000));
    await bridge.closeStdin(made.key);
    expect(await text(stdout)).toBe("1000000\n");
    expect(await made.remove()).toBe(0);
  });

  test("who speaks nonsense is sent away, and the others are not disturbed", async () => {
    await using own = new DisposeScope();
    const { socketPath, bridge } = await openOwn(own);
    using pipes = await makePipes(dir);
    const made = await makeBox({ bridge, host: engine.host }, ECHO, pipes.stdio);
    await made.start();
    const nonsense = [
      "\n",
      "{}\n",
      "nonsense\n",
      '{"verb":"keys","id":"1"}\n',
      '{"verb":"open","id":1,"key":"k"}\n',
      "\0".repeat(300_000),
      "GET / HTTP/1.1\r\n\r\n",
    ];
    for (const said of nonsense) {
      const socket = connect(socketPath);
      socket.on("error", () => {});
      socket.write(said);
      await text(socket).catch(() => "");
    }
    const { stdin, stdout } = takeStreams(pipes);
    stdin.end("one\n");
    await bridge.closeStdin(made.key);
    expect(await text(stdout)).toBe("got one\nend\n");
    expect(await made.remove()).toBe(0);
  });

  test("it stays for streams when it is told to end, and ends for nothing more", async () => {
    await using own = new DisposeScope();
    const { socketPath, bridge } = await openOwn(own);
    using pipes = await makePipes(dir);
    const made = await makeBox({ bridge, host: engine.host }, ["sleep", "1000"], pipes.stdio);
    await made.start();
    const pid = await until("the bridge", () => bridgePid(socketPath));
    process.kill(pid, "SIGTERM");
    await made.kill();
    expect(await made.remove()).toBe(137);
    expect(await bridgePids(socketPath)).toEqual([pid]);
    process.kill(pid, "SIGTERM");
    await until("its end", async () => (await bridgePids(socketPath)).length === 0);
    expect(await bridge.keys()).toEqual([]);
    expect(await readdir(join(socketPath, ".."))).toEqual([]);
  });

  test("many processes leave no descriptor open", async () => {
    await using own = new DisposeScope();
    const { socketPath, bridge } = await openOwn(own);
    const log = `file://${join(dir, "many.log")}`;
    const made = await makeBox({ bridge, host: engine.host }, ["sleep", "1000"], {
      ...NULL_STDIO,
      stdout: log,
      stderr: log,
    });
    await made.start();
    const one = async (): Promise<void> => {
      using pipes = await makePipes(dir);
      const exec = await made.exec(["cat"], pipes.stdio);
      const { stdin, stdout } = takeStreams(pipes);
      stdin.end("hello");
      await bridge.closeStdin(exec.key);
      expect(await text(stdout)).toBe("hello");
      await bridge.finished(exec.key);
      await bridge.release(exec.key);
    };
    await one();
    const pid = await until("the bridge", () => bridgePid(socketPath));
    const before = await descriptorsOf(pid);
    for (let round = 0; round < 5; round += 1) await Promise.all([one(), one(), one(), one()]);
    await until("the last descriptor to close", async () => (await descriptorsOf(pid)) <= before);
    await made.kill();
    expect(await made.remove()).toBe(137);
  });
});
