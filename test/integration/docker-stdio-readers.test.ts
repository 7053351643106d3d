// Readers of a Docker task's output who are late, slow, gone or back: nothing is lost that anybody wants, and nobody is held up for ever.
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { finished } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FifoEnds } from "../../api/client/io/fifo-ends.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { silentLogger } from "../../api/core/log.js";
import { type Bridge, openBridge } from "../../runtime/docker/bridge/client.js";
import { type Box, gather, makeBox, makePipes, type Pipes, takeStreams } from "../helpers/docker-box.js";
import { bridgeProgram, endBridge } from "../helpers/docker-bridge.js";
import { type DockerEngine, startEngine } from "../helpers/docker-engine.js";
import { requires } from "../helpers/requires.js";
import { tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const NULL_STDIO = { stdin: "", stdout: "", stderr: "", terminal: false };
const lacking = requires.root() || requires.binary("dockerd") || requires.binary("busybox");

async function hashOf(stream: Readable): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of stream as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest("hex");
}

describe.skipIf(lacking)("readers of docker tasks", () => {
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

  test("100 MB to a reader who comes late", async () => {
    using pipes = await makePipes(dir);
    // Random bytes, which nobody keeps: summed on their way.
    const summed =
      "mkfifo /copy; sha256sum /copy > /sum & head -c 104857600 /dev/urandom | tee /copy; wait; cat /sum >&2";
    const made = await sh(`echo begun >&2; ${summed}`, pipes.stdio);
    await made.start();
    const { stdin, stdout, stderr } = takeStreams(pipes);
    const told = gather(stderr);
    await until("the output to begin", () => told().includes("\n"));
    const hash = await hashOf(stdout);
    await finished(stderr);
    expect(told()).toBe(`begun\n${hash}  /copy\n`);
    stdin.end();
    expect(await made.remove()).toBe(0);
  });

  test("a reader who goes and comes back gets the rest", async () => {
    using first = await makePipes(dir);
    const made = await sh("seq 1 200000", first.stdio);
    await made.start();
    const { stdout, stdin } = takeStreams(first);
    stdin.end();
    const begun = await new Promise<string>((resolve) =>
      stdout.once("data", (chunk: Buffer) => resolve(chunk.toString())),
    );
    expect(begun.startsWith("1\n2\n")).toBe(true);
    first[Symbol.dispose]();
    using again = FifoEnds.attach(first.stdio);
    const rest = again.streams().stdout;
    expect(rest && (await text(rest)).endsWith("199999\n200000\n")).toBe(true);
    expect(await made.remove()).toBe(0);
  });

  test("readers that have gone, and those who do not read, keep nobody", async () => {
    using gone = await makePipes(dir);
    using stuck = await makePipes(dir);
    for (const pipes of [gone, stuck]) {
      const made = await sh("head -c 300000 /dev/zero; echo end >&2", pipes.stdio);
      await made.start();
      if (pipes === gone) gone[Symbol.dispose]();
      else stuck.ends.release();
      expect(await made.remove()).toBe(0);
    }
  });

  test.each(["a container", "an exec"])("the end of %s is told of when nobody takes its output", async (kind) => {
    using pipes = await makePipes(dir);
    const endless = "cat /dev/zero & echo $! > /pid; wait $!";
    const made = kind === "an exec" ? await sh("sleep 1000", NULL_STDIO) : await sh(endless, pipes.stdio);
    await made.start();
    const exec = kind === "an exec" ? await made.exec(["sh", "-c", endless], pipes.stdio) : undefined;
    const { stdout } = takeStreams(pipes);
    // What it has read so far, which stays as it is when nobody takes it.
    const read = () => engine.must(["exec", made.dockerId, "sh", "-c", "cat /proc/$(cat /pid)/io"]);
    let last = "";
    await until("the pipes to be full", async () => {
      const [before, now] = [last, await read()];
      last = now;
      return before === now;
    });
    if (exec !== undefined) {
      await engine.must(["exec", made.dockerId, "sh", "-c", "kill -9 $(cat /pid)"]);
      expect(await exec.exited()).toBe(137);
      await bridge.finished(exec.key);
      await bridge.release(exec.key);
    }
    await made.kill();
    expect(await made.remove()).toBe(137);
    stdout.destroy();
  });
});
