// The console of an instance of LXD, by way of the bridge: from the boot to the end, whoever comes and goes meanwhile.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FifoEnds } from "../../api/client/io/fifo-ends.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { silentLogger } from "../../api/core/log.js";
import type { Stdio } from "../../api/core/task.js";
import { type LxdBridge, openLxdBridge } from "../../runtime/lxd/bridge/client.js";
import { writeFile } from "../../runtime/lxd/files.js";
import { changeState, createInstance, deleteInstance } from "../../runtime/lxd/instances.js";
import { LxdServer } from "../../runtime/lxd/server.js";
import { gather, makePipes, takeStreams } from "../helpers/docker-box.js";
import { bridgePid, bridgeProgram, endBridge } from "../helpers/docker-bridge.js";
import { LXD_BUSYBOX, type Lxd, startLxd } from "../helpers/lxd.js";
import { requires } from "../helpers/requires.js";
import { tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

/** Does what is typed; not what LXD types when a console's connection goes away, to reset the terminal: ESC c. */
const OBEY = `reset=$(printf '\\033c'); stty -echo; echo booted; while read line; do eval \${line#$reset}; done`;

describe.skipIf(requires.root() || requires.binary("lxd"))("the console of an instance of LXD", () => {
  const scope = new DisposeScope();
  let lxd: Lxd;
  let server: LxdServer;
  let dir: string;
  let socketPath: string;
  let program: string;
  let bridge: LxdBridge;
  let made = 0;

  const openBridge = (): LxdBridge =>
    openLxdBridge({ socketPath, lxdSocket: lxd.socketPath, program, log: silentLogger });

  /** Of this instance, under its name. */
  const attach = (instance: string, stdio: Stdio, again = false): Promise<void> =>
    bridge.console(instance, { namespace: "bt", id: instance, instance, stdio, again });

  /** An instance with this init and its console attached; it has not started. Gone with `own`. */
  async function make(own: DisposeScope, init: string, stdio: Stdio) {
    made += 1;
    const name = `c${made}`;
    await createInstance(server, { name, source: { type: "alias", alias: LXD_BUSYBOX } });
    own.defer(async () => {
      await bridge.release(name);
      await changeState(server, name, "stop", { isForced: true }).catch(() => undefined);
      await deleteInstance(server, name);
    });
    const script = `#!/bin/sh\nexport PATH=/bin:/sbin\ntrap 'echo asked; exit 0' PWR\n${init}\n`;
    await writeFile(server, name, "/sbin/init", Buffer.from(script), { uid: 0, gid: 0, mode: 0o755 });
    await attach(name, stdio);
    return {
      name,
      start: () => changeState(server, name, "start"),
      /** Resolves when its output has arrived. */
      stop: async (isForced = true) => {
        await changeState(server, name, "stop", { isForced });
        await bridge.finished(name);
      },
      /** A command in it, beside the console. */
      run: (script: string) => lxd.must(["exec", name, "--", "sh", "-c", script]),
    };
  }

  beforeAll(async () => {
    lxd = await startLxd(scope);
    server = scope.use(new LxdServer({ socketPath: lxd.socketPath }));
    dir = await tempDir(scope);
    socketPath = join(dir, "bridge.sock");
    program = await bridgeProgram(scope, {}, "berth-lxd-bridge");
    scope.defer(() => endBridge(socketPath));
    bridge = scope.use(openBridge());
  }, 120_000);
  afterAll(() => scope[Symbol.asyncDispose](), 60_000);

  test("shows all from the boot to the end, and is typed into", async () => {
    await using own = new DisposeScope();
    using pipes = await makePipes(dir, { terminal: true });
    const { name, start, stop } = await make(own, OBEY, pipes.stdio);
    const { stdin, stdout } = takeStreams(pipes);
    const said = gather(stdout);
    await start();
    await until("the boot", () => said() === "booted\r\n");
    stdin.write("echo typed\n");
    await until("the answer", () => said() === "booted\r\ntyped\r\n");
    await bridge.resize(name, 120, 40);
    stdin.write("stty size\n");
    await until("the size", () => said().endsWith("\n40 120\r\n"));
    stdin.write("stty raw; echo raw; head -c 8 | od -An -tx1\n");
    await until("the prompt", () => said().endsWith("raw\n"));
    stdin.write(Buffer.from("0001710304ff0a1b", "hex"));
    await until("what was typed", () => said().endsWith("raw\n 00 01 71 03 04 ff 0a 1b\n"));
    await expect(bridge.kill(name, 15)).rejects.toMatchObject({ kind: "not_found" });
    await expect(bridge.exit(name)).rejects.toMatchObject({ kind: "not_found" });
    await stop(false);
    expect(said().endsWith("0a 1b\nasked\n")).toBe(true);
    expect(await bridge.keys()).toEqual([name]);
  });

  test("of an instance that ends at once shows all as well", async () => {
    await using own = new DisposeScope();
    const out = join(dir, "short");
    const stdio = { stdin: "", stdout: `file://${out}`, stderr: `file://${out}`, terminal: false };
    const { name, start, run, stop } = await make(own, "echo one; echo two; exit 0", stdio);
    await start();
    await until("its end", async () => (await lxd.must(["list", name, "-c", "s", "-f", "csv"])) === "STOPPED");
    await bridge.finished(name);
    expect(await readFile(out, "utf8")).toBe("one\r\ntwo\r\n");
    // The next run shows the same, and none of it twice.
    await bridge.release(name);
    await writeFile(server, name, "/sbin/init", Buffer.from("#!/bin/sh\necho one; echo two; exec sleep 1000\n"), {
      uid: 0,
      gid: 0,
      mode: 0o755,
    });
    await attach(name, stdio);
    await start();
    await run("echo three > /dev/console");
    await until("the rest", async () => (await readFile(out, "utf8")).endsWith("three\r\n"));
    await stop();
    expect(await readFile(out, "utf8")).toBe("one\r\ntwo\r\none\r\ntwo\r\nthree\r\n");
  });

  test("that nobody reads does not hold up the instance, which LXC would wait for", async () => {
    await using own = new DisposeScope();
    using pipes = await makePipes(dir);
    const { start, stop, run } = await make(own, "exec yes 0123456789", pipes.stdio);
    const { stdout } = takeStreams(pipes);
    await start();
    await once(stdout, "readable");
    expect(await run("echo alive")).toBe("alive");
    const ended = stop();
    stdout.resume();
    await ended;
  });

  test("goes on while the daemon is away, and when the bridge is killed", async () => {
    await using own = new DisposeScope();
    using pipes = await makePipes(dir, { terminal: true });
    const { name, start, stop } = await make(own, OBEY, pipes.stdio);
    const { stdin, stdout } = takeStreams(pipes);
    const said = gather(stdout);
    await start();
    await until("the boot", () => said() === "booted\r\n");
    await bridge[Symbol.asyncDispose]();
    stdin.write("echo alone\n");
    await until("the answer", () => said() === "booted\r\nalone\r\n");
    bridge = scope.use(openBridge());
    await attach(name, pipes.stdio, true);
    const pid = await until("the bridge", () => bridgePid(socketPath));
    process.kill(pid, "SIGKILL");
    await once(stdout, "end");
    expect(await bridge.keys()).toEqual([name]);
    using again = FifoEnds.attach(pipes.stdio);
    const streams = again.streams();
    if (streams.stdin === undefined || streams.stdout === undefined) throw new Error("there are no pipes");
    const saidAgain = gather(streams.stdout);
    streams.stdin.write("echo again\n");
    await until("another answer", () => saidAgain() === "again\r\n");
    await stop();
  });

  test("shows what was while LXD was away", async () => {
    await using own = new DisposeScope();
    using pipes = await makePipes(dir, { terminal: true });
    const init = "stty -echo; n=0; while :; do n=$((n + 1)); echo line $n; sleep 0.05; done";
    const { start, stop } = await make(own, init, pipes.stdio);
    const said = gather(takeStreams(pipes).stdout);
    await start();
    await until("the first lines", () => said().includes("line 5\r\n"));
    await lxd.kill9();
    await lxd.restart();
    const before = said().split("\r\n").length;
    await until("more lines", () => said().split("\r\n").length > before + 20);
    await stop();
    const lines = said().split("\r\n").slice(0, -1);
    expect(lines).toEqual(lines.map((_, index) => `line ${index + 1}`));
  });

  test("that somebody else has is shown all the same", async () => {
    await using own = new DisposeScope();
    using pipes = await makePipes(dir);
    const { start, stop, run, name } = await make(own, "stty -echo; exec sleep 1000", pipes.stdio);
    const said = gather(takeStreams(pipes).stdout);
    await start();
    const console = lxd.run(["console", name], { input: "" }).catch(() => undefined);
    await run("echo shown > /dev/console");
    await until("it", () => said() === "shown\r\n");
    await stop();
    await console;
    expect(said()).toBe("shown\r\n");
  });

  test("of nothing, of nobody, and for readers who do not come, is refused or left", async () => {
    await attach("nobody", { stdin: "", stdout: "", stderr: "", terminal: false });
    const out = join(dir, "nothing");
    const stdio = { stdin: "", stdout: `file://${out}`, stderr: `file://${out}`, terminal: false };
    await expect(attach("nobody", stdio)).rejects.toMatchObject({ kind: "not_found" });
    await using own = new DisposeScope();
    const missing = { ...stdio, stdout: join(dir, "missing", "fifo"), stderr: "" };
    await expect(make(own, "exit 0", missing)).rejects.toMatchObject({ kind: "unknown" });
    expect(await bridge.keys()).toEqual([]);
    using pipes = await makePipes(dir);
    const { name } = await make(own, "exit 0", pipes.stdio);
    const { stdout } = takeStreams(pipes);
    // It has never run.
    await bridge.finished(name);
    expect(await text(stdout)).toBe("");
  });
});
