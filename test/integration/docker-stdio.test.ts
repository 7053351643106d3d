// What goes through the stdio of a Docker task arrives: whole, in order, to the end, at the pace of whoever reads.
import { createHash, randomBytes } from "node:crypto";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { silentLogger } from "../../api/core/log.js";
import { type Bridge, openBridge } from "../../runtime/docker/bridge/client.js";
import { type Box, gather, makeBox, makePipes, type Pipes, takeStreams } from "../helpers/docker-box.js";
import { bridgeProgram, endBridge } from "../helpers/docker-bridge.js";
import { type DockerEngine, startEngine } from "../helpers/docker-engine.js";
import { requires } from "../helpers/requires.js";
import { tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const MEBIBYTE = 1024 * 1024;
const NULL_STDIO = { stdin: "", stdout: "", stderr: "", terminal: false };
const lacking = requires.root() || requires.binary("dockerd") || requires.binary("busybox");

describe.skipIf(lacking)("stdio of docker tasks", () => {
  const scope = new DisposeScope();
  let engine: DockerEngine;
  let dir: string;
  let bridge: Bridge;
  const box = (args: readonly string[], stdio: Pipes["stdio"]): Promise<Box> =>
    makeBox({ bridge, host: engine.host }, args, stdio);
  const sh = (script: string, stdio: Pipes["stdio"]): Promise<Box> => box(["sh", "-c", script], stdio);

  beforeAll(async () => {
    engine = await startEngine(scope);
    const program = await bridgeProgram(scope);
    dir = await tempDir(scope);
    const socketPath = join(dir, "bridge.sock");
    scope.defer(() => endBridge(socketPath));
    bridge = scope.use(openBridge({ socketPath, host: engine.host, program, log: silentLogger }));
  }, 120_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  test.each(["client", "daemon"])("input and both outputs, the input ended by the %s first", async (first) => {
    using pipes = await makePipes(dir);
    const made = await sh("echo to stderr >&2; cat; echo end", pipes.stdio);
    await made.start();
    const { stdin, stdout, stderr } = takeStreams(pipes);
    stdin.write("typed\n");
    if (first === "client") {
      stdin.end();
      await bridge.closeStdin(made.key);
    } else {
      const said = gather(stdout);
      await until("what was typed", () => said() === "typed\n");
      await bridge.closeStdin(made.key);
      stdin.write("more\n", () => stdin.end());
      expect(await made.remove()).toBe(0);
      expect(said()).toBe("typed\nmore\nend\n");
      return;
    }
    expect(await made.remove()).toBe(0);
    expect(await text(stdout)).toBe("typed\nend\n");
    expect(await text(stderr)).toBe("to stderr\n");
    expect(await bridge.keys()).toEqual([]);
  });

  test("an input that is typed and ended before the start", async () => {
    using pipes = await makePipes(dir);
    const made = await sh("sha256sum", pipes.stdio);
    const { stdin, stdout } = takeStreams(pipes);
    const typed = randomBytes(3 * MEBIBYTE);
    stdin.end(typed);
    await bridge.closeStdin(made.key);
    await made.start();
    expect((await text(stdout)).split(" ")[0]).toBe(createHash("sha256").update(typed).digest("hex"));
    expect(await made.remove()).toBe(0);
  });

  test("a terminal, whose output goes on when its input has ended", async () => {
    using pipes = await makePipes(dir, { terminal: true });
    const made = await sh("test -t 0 && echo ready; read line; echo got $line; exec cat /etc/passwd", pipes.stdio);
    await made.start();
    const { stdin, stdout } = takeStreams(pipes);
    const said = gather(stdout);
    await until("the prompt", () => said().includes("ready"));
    stdin.write("a word\n");
    stdin.end();
    await bridge.closeStdin(made.key);
    expect(await made.remove()).toBe(0);
    expect(said()).toContain("got a word\r\n");
    expect(said()).toContain("root:");
  });

  test.each(["a container", "an exec"])(
    "the terminal of %s takes every byte that is typed, also what would detach docker's own client",
    async (kind) => {
      const raw = "stty raw -echo; echo ready; head -c 6 | od -An -tx1";
      using pipes = await makePipes(dir, { terminal: true });
      const made = kind === "an exec" ? await sh("sleep 1000", NULL_STDIO) : await sh(raw, pipes.stdio);
      await made.start();
      const exec = kind === "an exec" ? await made.exec(["sh", "-c", raw], pipes.stdio) : undefined;
      const { stdin, stdout } = takeStreams(pipes);
      const said = gather(stdout);
      await until("the prompt", () => said().includes("ready"));
      stdin.write(Buffer.from("1011041aff0a", "hex"));
      await until("what was typed", () => said().includes("10 11 04 1a ff 0a"));
      if (exec !== undefined) {
        expect(await exec.exited()).toBe(0);
        await bridge.release(exec.key);
        await made.kill();
      }
      expect(await made.remove()).toBe(exec === undefined ? 0 : 137);
    },
  );

  test("a file with an address, which is made, and one that is there", async () => {
    const made = join(dir, "logs", "made.log");
    const there = join(dir, "there.log");
    await writeFile(there, "before\n");
    for (const [stdout, want] of [
      [`file://${made}`, "one\ntwo\n"],
      [there, "before\none\ntwo\n"],
    ] as const) {
      const task = await sh("echo one; echo two >&2", { ...NULL_STDIO, stdout, stderr: stdout });
      await task.start();
      expect(await task.remove()).toBe(0);
      expect((await readFile(stdout.replace("file://", ""), "utf8")).split("\n").sort()).toEqual(
        want.split("\n").sort(),
      );
    }
  });

  test("a log program", async () => {
    const [program, out] = [join(dir, "logger"), join(dir, "logged")];
    await writeFile(
      program,
      `#!/bin/sh\necho "$1=$2 $CONTAINER_NAMESPACE" > "$2"\nexec 5>&-\ncat <&3 >> "$2"\ncat <&4 >> "$2"\necho end >> "$2"\n`,
    );
    await chmod(program, 0o755);
    const address = `binary://${program}?to=${out}`;
    const made = await sh("echo one; echo two >&2", { ...NULL_STDIO, stdout: address, stderr: address });
    expect(await readFile(out, "utf8")).toBe(`to=${out} bt\n`);
    await made.start();
    expect(await made.remove()).toBe(0);
    expect(await readFile(out, "utf8")).toBe(`to=${out} bt\none\ntwo\nend\n`);
  });

  test("execs: pipes, a terminal, nothing at all", async () => {
    const made = await sh("sleep 1000", NULL_STDIO);
    await made.start();
    for (const terminal of [false, true]) {
      using pipes = await makePipes(dir, { terminal });
      const exec = await made.exec(["sh", "-c", "read line; echo got $line; exit 7"], pipes.stdio);
      const { stdin, stdout } = takeStreams(pipes);
      stdin.write("a word\n");
      expect(await exec.exited()).toBe(7);
      await bridge.finished(exec.key);
      expect((await text(stdout)).replaceAll("\r", "")).toBe(terminal ? "a word\ngot a word\n" : "got a word\n");
      await bridge.release(exec.key);
    }
    using pipes = await makePipes(dir);
    const counted = await made.exec(["wc", "-c"], pipes.stdio);
    const { stdin, stdout } = takeStreams(pipes);
    stdin.end(Buffer.alloc(5 * MEBIBYTE));
    await bridge.closeStdin(counted.key);
    expect(await text(stdout)).toBe(`${5 * MEBIBYTE}\n`);
    await bridge.release(counted.key);
    const silent = await made.exec(["sh", "-c", "echo nobody hears; exit 3"], NULL_STDIO);
    expect(await silent.exited()).toBe(3);
    await bridge.finished(silent.key);
    await made.kill();
    expect(await made.remove()).toBe(137);
    expect(await bridge.keys()).toEqual([]);
  });

  test.each([false, true])(
    "an exec that cannot be run says so to nobody but who starts it (terminal: %s)",
    async (terminal) => {
      const made = await sh("sleep 1000", NULL_STDIO);
      await made.start();
      using pipes = await makePipes(dir, { terminal });
      await expect(made.exec(["/nowhere"], pipes.stdio)).rejects.toMatchObject({
        kind: "unknown",
        message: expect.stringMatching(/^OCI runtime exec failed: .*stat \/nowhere: no such file or directory/),
      });
      const { stdout, stderr } = takeStreams(pipes);
      expect(await text(stdout)).toBe("");
      expect(await text(stderr)).toBe("");
      for (let round = 0; round < 10; round += 1) {
        using short = await makePipes(dir, { terminal });
        const exec = await made.exec(["sh", "-c", "echo here; exit 127"], short.stdio);
        expect((await text(takeStreams(short).stdout)).trim()).toBe("here");
        await bridge.release(exec.key);
      }
      await made.kill();
      expect(await made.remove()).toBe(137);
      expect(await bridge.keys()).toEqual([]);
    },
  );

  const missing = "/nowhere/at/all";
  const plain = "failed to start io pipe copy: unable to copy pipes: containerd-shim: opening file";
  test.each([
    [
      "a missing file",
      { stdout: missing, stderr: missing },
      `${plain} "${missing}" failed: open ${missing}: no such file or directory`,
    ],
    ["no stderr", { stdout: "/dev/null", stderr: "" }, `${plain} "" failed: open : no such file or directory`],
    [
      "an address of no known kind",
      { stdout: "x://y", stderr: "x://y" },
      "failed to create init process I/O: unknown STDIO scheme x",
    ],
  ])("%s is refused in containerd's words and leaves nothing", async (_name, outputs, message) => {
    const refused = box(["true"], { ...NULL_STDIO, ...outputs });
    await expect(refused).rejects.toMatchObject({ kind: "unknown", message });
    expect(await bridge.keys()).toEqual([]);
  });

  test("a container that is not there, and an engine that is not there", async () => {
    const request = { namespace: "bt", id: "a", containerId: "nobody", openStdin: false };
    using pipes = await makePipes(dir);
    await expect(bridge.attach("a", { ...request, stdio: pipes.stdio })).rejects.toMatchObject({ kind: "not_found" });
    await using other = openBridge({
      socketPath: join(dir, "bridge.sock"),
      host: `unix://${dir}/no.sock`,
      program: "",
      log: silentLogger,
    });
    await expect(other.attach("a", { ...request, stdio: pipes.stdio })).rejects.toMatchObject({
      kind: "unavailable",
      message: `docker engine at unix://${dir}/no.sock: no such file or directory: unavailable`,
    });
    expect(await bridge.keys()).toEqual([]);
  });

  test("a container that is never started", async () => {
    using pipes = await makePipes(dir);
    const made = await box(["true"], pipes.stdio);
    const { stdout } = takeStreams(pipes);
    await bridge.finished(made.key);
    expect(await text(stdout)).toBe("");
    await bridge.release(made.key);
  });

  test("giving up while nobody reads leaves nothing", async () => {
    using pipes = await makePipes(dir);
    pipes[Symbol.dispose]();
    const controller = new AbortController();
    const request = { namespace: "bt", id: "a", containerId: "nobody", openStdin: false, stdio: pipes.stdio };
    const attached = bridge.attach("given-up", request, controller.signal);
    await until("the attachment", async () => (await bridge.keys()).includes("given-up"));
    controller.abort();
    await expect(attached).rejects.toThrow("abort");
    expect(await bridge.keys()).toEqual([]);
  });

  test("an engine that ends its containers when it comes back ends their streams", async () => {
    using pipes = await makePipes(dir);
    const made = await sh("trap 'echo after; exit 5' TERM; echo before; while :; do sleep 0.1; done", pipes.stdio);
    await made.start();
    const { stdout } = takeStreams(pipes);
    const said = gather(stdout);
    await until("the output", () => said() === "before\n");
    await engine.kill9();
    await engine.restart();
    expect(await made.remove()).not.toBe(0);
    await until("the end of the output", () => stdout.readableEnded);
    expect(said()).toMatch(/^before\n(after\n)?$/);
  });
});
