// Streams of tasks: bytes as they are, ends as they come, nobody held up, nothing lost.
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { buffer, text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { expect, test } from "vitest";
import { until } from "../../helpers/until.js";
import type { RunWorld } from "./world.js";

const MIB = 1024 * 1024;
const noise = (sizeBytes: number): Buffer => {
  const bytes = Buffer.alloc(sizeBytes);
  for (let at = 0, block = Buffer.alloc(64); at < sizeBytes; at += 64) {
    block = createHash("sha512").update(block).digest();
    block.copy(bytes, at);
  }
  return bytes;
};

export function runStreams(world: () => RunWorld): void {
  test("output, errors, the exit status; and nothing is left", async () => {
    const task = await world().run("echo out; echo err >&2; exit 7");
    expect(task.pid).toBeGreaterThan(0);
    expect(await task.output()).toEqual({
      ...{ exitStatus: 7, stdout: "out\n", stderr: "err\n", truncated: false, timedOut: false },
      exitedAtNs: expect.any(BigInt),
    });
    expect(await world().left()).toEqual([]);
  });

  test("bytes are bytes, megabytes of them, there and back", async () => {
    const data = noise(5 * MIB);
    const task = await world().run("cat");
    const { stdout, exitStatus } = await task.output({ input: data, encoding: "buffer" });
    expect(exitStatus).toBe(0);
    expect(stdout.equals(data)).toBe(true);
  });

  test("what was written can be read after the end, and needs no reader before", async () => {
    const line = "0123456789012345678901234567890123456789";
    const task = await world().run(`i=0; while [ $i -lt 500 ]; do echo ${line}; i=$((i+1)); done`);
    expect(await task.wait()).toMatchObject({ exitStatus: 0, timedOut: false });
    expect(await world().left()).toEqual([]);
    expect(await text(task.stdout)).toBe(`${line}\n`.repeat(500));
  });

  test("the end of the input reaches the process, and its output goes on", async () => {
    const task = await world().run("cat; sleep 0.2; echo after");
    task.stdin.write("one ");
    task.stdin.end("two ");
    expect(await text(task.stdout)).toBe("one two after\n");
    expect(await task.wait()).toMatchObject({ exitStatus: 0 });
  });

  test("input of a process that does not read it fails, and hurts nobody", async () => {
    const task = await world().run("exit 0");
    await expect(pipeline([noise(MIB)], task.stdin)).rejects.toMatchObject({ code: expect.any(String) });
    expect(await task.wait()).toMatchObject({ exitStatus: 0 });
    task.stdin.write("late");
    expect(await world().left()).toEqual([]);
  });

  test("as web streams", async () => {
    const task = await world().run("cat; echo err >&2");
    const { stdin, stdout, stderr } = task.web;
    const writer = stdin.getWriter();
    await writer.write(Buffer.from("web"));
    await writer.close();
    expect(await text(stdout)).toBe("web");
    expect(await text(stderr)).toBe("err\n");
    expect(await task.wait()).toMatchObject({ exitStatus: 0 });
  });

  test("a slow reader gets everything", async () => {
    const task = await world().run("head -c 3000000 /dev/zero");
    await using rest = task;
    let size = 0;
    for await (const chunk of rest.stdout) {
      size += chunk.length;
      if (size % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(size).toBe(3_000_000);
  });

  test("leaving the output alone does not hold the process up", async () => {
    const task = await world().run("echo ready; head -c 1000000 /dev/zero; exit 5");
    for await (const line of createInterface(task.stdout)) if (line === "ready") break;
    task.stdout.destroy();
    expect(await task.wait()).toMatchObject({ exitStatus: 5 });
    expect(await world().left()).toEqual([]);
  });

  test("output beyond the limit is thrown away", async () => {
    const task = await world().run("echo 0123456789; head -c 500000 /dev/zero; echo err >&2");
    const result = await task.output({ limitBytes: 4 });
    expect(result).toMatchObject({ stdout: "0123", stderr: "err\n", truncated: true, exitStatus: 0 });
  });

  test("streams that nobody wants", async () => {
    const none = await world().run("cat; echo out; echo err >&2; exit 4", { stdio: "ignore" });
    expect(await none.output()).toMatchObject({ exitStatus: 4, stdout: "", stderr: "" });
    const some = await world().run("cat; echo out; echo err >&2", { stdio: { stdin: "ignore", stderr: "ignore" } });
    expect(await text(some.stdout)).toBe("out\n");
    expect(await text(some.stderr)).toBe("");
    await expect(pipeline(["x"], some.stdin)).rejects.toThrow();
    await some.wait();
    expect(await world().left()).toEqual([]);
  });

  test("a log file instead of streams", async () => {
    const dir = await mkdtemp(join(tmpdir(), "bt-"));
    const log = join(dir, "log");
    await writeFile(log, "");
    // runc's shim of 1.6 closes the file for both streams when the first of them ends, and loses what the other has not brought yet.
    const task = await world().run("echo err >&2; sleep 0.3; echo out", { stdio: { log: `file://${log}` } });
    expect(await task.output()).toMatchObject({ exitStatus: 0, stdout: "" });
    // A shim writes what is left of a process once it has ended.
    const lines = async (): Promise<string[]> => (await readFile(log, "utf8")).split("\n").sort();
    await until("both streams to be in the log", async () => (await lines()).length === 3);
    expect(await lines()).toEqual(["", "err", "out"]);
    await rm(dir, { recursive: true });
  });

  test("a terminal of a size, which changes", async () => {
    if (world().differences.lateTerminalSize !== undefined) return await lateSize(world());
    const script = "trap 'stty size; exit 3' WINCH; stty size; while :; do sleep 0.05; done";
    await using task = await world().run(script, { terminal: { columns: 71, rows: 17 } });
    const output = buffer(task.stdout);
    const first = await new Promise<string>((resolve) => task.stdout.once("data", (chunk) => resolve(String(chunk))));
    expect(first).toBe("17 71\r\n");
    await task.resize({ columns: 72, rows: 18 });
    expect(await task.wait()).toMatchObject({ exitStatus: 3 });
    expect(String(await output)).toBe("17 71\r\n18 72\r\n");
    expect(await text(task.stderr)).toBe("");
  });
}

/** The size is there, only later than the program. */
async function lateSize(world: RunWorld): Promise<void> {
  const script = "while :; do stty size; sleep 0.05; done";
  await using task = await world.run(script, { terminal: { columns: 71, rows: 17 } });
  let shown = "";
  task.stdout.on("data", (chunk) => {
    shown += String(chunk);
  });
  await until("the first size", () => shown.includes("17 71\r\n"));
  await task.resize({ columns: 72, rows: 18 });
  await until("the second size", () => shown.includes("18 72\r\n"));
}
