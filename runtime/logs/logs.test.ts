// Logs without a daemon: lines in files, what a killed log process left, and what a client sees of it; with real pipes.
import {
  appendFileSync,
  closeSync,
  constants,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  writeSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { silentLogger } from "../../api/core/log.js";
import type { LogEntry, ReadLogOptions } from "../../api/core/task-log.js";
import { systemClock } from "../../api/core/time.js";
import { until } from "../../test/helpers/until.js";
import { Epoll } from "../sys/epoll.js";
import { KeptStream } from "./kept-stream.js";
import { LineWriter } from "./line-writer.js";
import { limitsOf } from "./log-settings.js";
import { LogStream } from "./log-stream.js";
import { readLastLines, readLog } from "./read-log.js";
import { StreamLines } from "./stream-lines.js";

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const LIMITS = { maxSizeBytes: 16 * 1024 * 1024, maxSegments: 5 };
const NO_SIGNAL = new AbortController().signal;

let dir: string;
let folder: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "berth-logs-"));
  folder = join(dir, "log");
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const writerOf = (attempt: number, limits = LIMITS): LineWriter => {
  const writer = new LineWriter({ folder, attempt, ...limits, onLost: () => {} });
  writer.setTime(1_795_366_800_123_456_789n);
  return writer;
};

/** Writes texts as lines of one attempt. */
function write(attempt: number, texts: readonly string[], limits = LIMITS): void {
  using writer = writerOf(attempt, limits);
  const lines = new StreamLines("stdout", writer);
  for (const text of texts) lines.take(Buffer.from(text));
  lines.end();
}

async function read(options: Omit<ReadLogOptions, "follow"> = {}): Promise<LogEntry[]> {
  const found: LogEntry[] = [];
  const log = readLog({ ...options, folder, clock: systemClock, isOver: async () => true });
  for await (const { lines } of log) found.push(...lines);
  return found;
}
const textsOf = (lines: readonly Pick<LogEntry, "text">[]): string[] =>
  lines.map(({ text }) => Buffer.from(text).toString());

describe("lines in files", () => {
  test("stand there as shippers of container logs know them, and come back as they were", async () => {
    write(1, ["one\ntw", "o\n\n", "\r\0\xff\nend"]);
    const [name = ""] = readdirSync(folder);
    expect(name).toBe("00000000000000000001-1.log");
    expect(readFileSync(join(folder, name), "utf8").split("\n").slice(0, 2)).toEqual([
      "2026-11-22T17:00:00.123456789Z stdout F:1 one",
      "2026-11-22T17:00:00.123456789Z stdout F:2 two",
    ]);
    const lines = await read();
    expect(textsOf(lines)).toEqual(["one", "two", "", "\r\0\xff", "end"]);
    expect(lines[4]).toMatchObject({ number: 5n, attempt: 1, stream: "stdout", isPartial: true });
    expect(lines[0]?.timeNs).toBe(1_795_366_800_123_456_789n);
  });

  test("are cut where they are too long, and nothing of them is lost", async () => {
    const long = "x".repeat(150_000);
    write(1, [`${long}\nshort\n`]);
    const lines = await read();
    expect(lines.map(({ isPartial, text }) => [isPartial, text.length])).toEqual([
      [true, 65_536],
      [true, 65_536],
      [false, 150_000 - 131_072],
      [false, 5],
    ]);
  });

  test("are numbered on by the next attempt, behind a line that was cut off by a crash", async () => {
    write(1, ["a\nb\n"]);
    appendFileSync(join(folder, readdirSync(folder)[0] ?? ""), "2026-11-22T17:00:00.1234567");
    write(2, ["c\n"]);
    expect((await read()).map(({ number, attempt }) => [number, attempt])).toEqual([
      [1n, 1],
      [2n, 1],
      [3n, 2],
    ]);
    expect(textsOf(await readLastLines(folder, 1, 1))).toEqual(["b"]);
    expect(textsOf(await readLastLines(folder, undefined, 5))).toEqual(["c"]);
  });

  test("go with their segments, and who asks for them hears from where on there are some", async () => {
    const texts = Array.from({ length: 1000 }, (_, index) => `line ${index + 1}\n`);
    write(1, texts, { maxSizeBytes: 4096, maxSegments: 3 });
    expect(readdirSync(folder)).toHaveLength(3);
    const first = (await read())[0]?.number ?? 0n;
    const batches = [];
    for await (const batch of readLog({ folder, after: 1n, clock: systemClock, isOver: async () => true }))
      batches.push(batch);
    expect(batches[0]?.lostBefore).toBe(first);
    expect(batches.slice(1).map(({ lostBefore }) => lostBefore)).toEqual(batches.slice(1).map(() => undefined));
  });

  test.each<[string, ReadLogOptions, string[]]>([
    ["behind a number", { after: 998n }, ["999", "1000"]],
    ["the last ones", { tail: 2n }, ["999", "1000"]],
    ["none", { tail: 0n }, []],
    [
      "more than there are",
      { after: 990n, tail: 50n },
      ["991", "992", "993", "994", "995", "996", "997", "998", "999", "1000"],
    ],
    ["of another stream", { streams: ["stderr"] }, []],
    ["from a time on", { sinceNs: 1_795_366_800_000_000_997n }, ["997", "998", "999", "1000"]],
    ["before a time", { untilNs: 1_795_366_800_000_000_003n }, ["1", "2"]],
    ["the last before a time", { untilNs: 1_795_366_800_000_000_003n, tail: 1n }, ["2"]],
  ])("are read %s", async (_what, options, want) => {
    using writer = writerOf(1, { maxSizeBytes: 4096, maxSegments: 50 });
    for (let number = 1; number <= 1000; number += 1) {
      writer.setTime(1_795_366_800_000_000_000n + BigInt(number));
      const text = Buffer.from(String(number));
      writer.add("stdout", false, text, 0, text.length);
    }
    writer.flush();
    expect(textsOf(await read(options))).toEqual(want);
  });

  test("that come are told to a follower, also of segments that were removed before it came to them", async () => {
    const limits = { maxSizeBytes: 4096, maxSegments: 2 };
    write(1, ["0\n"], limits);
    const stop = new AbortController();
    const seen: bigint[] = [];
    const following = (async () => {
      const log = readLog({ folder, follow: true, clock: systemClock, signal: stop.signal, isOver: async () => false });
      for await (const { lines } of log) seen.push(...lines.map(({ number }) => number));
    })().catch(() => undefined);
    await until("the first", () => seen.length === 1);
    for (let round = 0; round < 5; round += 1) {
      write(
        2 + round,
        Array.from({ length: 100 }, () => "some more\n"),
        limits,
      );
      await until("all of them", () => seen.length === 1 + (round + 1) * 100);
    }
    expect(seen).toEqual(seen.map((_, index) => BigInt(index + 1)));
    stop.abort();
    await following;
  });
});

describe("a task's output", () => {
  let epoll: Epoll;
  beforeEach(() => {
    epoll = new Epoll();
  });
  afterEach(() => epoll[Symbol.asyncDispose]());

  const keep = (client = "") =>
    KeptStream.make(
      { stdin: "", stdout: client, stderr: "", terminal: true },
      { logFolder: folder, stateFolder: join(dir, "state"), attempt: 1, ...LIMITS },
    );
  const open = ({ stdio, target }: KeptStream, again: boolean): Promise<LogStream> =>
    LogStream.open(
      { verb: "open", id: 1, key: "k", namespace: "n", container: "c", stdio: { ...stdio }, again, target },
      target,
      { epoll, log: silentLogger, onEnd: () => {} },
      NO_SIGNAL,
    );

  test("is complete whenever the log process is killed: what had left the pipe and what had not", async () => {
    using kept = keep();
    const pipe = openSync(kept.taskStdio.stdout, O_RDONLY | O_NONBLOCK);
    const task = openSync(kept.taskStdio.stdout, O_WRONLY);
    closeSync(pipe);
    let stream = await open(kept, false);
    writeSync(task, "one\ntwo\nthr");
    await until("two lines", async () => (await read()).length === 2);
    // A stream that is let go of without an end is one whose process was killed: the rest of a line was in its memory only.
    stream[Symbol.dispose]();
    writeSync(task, "ee\nfour\n");
    stream = await open(kept, true);
    await until("four lines", async () => (await read()).length === 4);
    stream[Symbol.dispose]();
    // It was killed between the pipe and the log.
    const spool = readdirSync(kept.target.stateFolder).find((name) => name.endsWith(".spool")) ?? "";
    appendFileSync(join(kept.target.stateFolder, spool), "five\nsi");
    stream = await open(kept, true);
    writeSync(task, "x\n");
    closeSync(task);
    await stream.ended(NO_SIGNAL);
    expect(textsOf(await read())).toEqual(["one", "two", "three", "four", "five", "six"]);
    stream[Symbol.dispose]();
  });

  test("goes to who reads, at his pace and to its end, and is not held up when he goes", async () => {
    const client = join(dir, "client");
    const { makeFifo } = await import("../sys/fifo.js");
    makeFifo(client, 0o600);
    const reader = openSync(client, O_RDONLY | O_NONBLOCK);
    using kept = keep(client);
    const stream = await open(kept, false);
    const task = openSync(kept.taskStdio.stdout, O_WRONLY | O_NONBLOCK);
    const chunk = Buffer.alloc(65_536, "x");
    const fill = (): number => {
      try {
        return writeSync(task, chunk);
      } catch {
        return 0;
      }
    };
    let written = 0;
    // He does not read: in the end the task has to wait.
    await until("the task to wait", () => {
      const before = written;
      written += fill();
      return written > 1_000_000 && written === before;
    });
    const buffer = Buffer.alloc(1 << 20);
    const some = readSync(reader, buffer, 0, buffer.length, null);
    expect(some).toBeGreaterThan(0);
    await until("room", () => {
      const more = fill();
      written += more;
      return more > 0;
    });
    closeSync(reader);
    // Nobody reads any more: it goes into the log alone.
    const target = written + 8 * chunk.length;
    await until("the task to go on", () => {
      written += fill();
      return written >= target;
    });
    closeSync(task);
    await stream.ended(NO_SIGNAL);
    const kibibytes = (await read()).reduce((sum, { text }) => sum + text.length, 0);
    expect(kibibytes).toBe(written);
    stream[Symbol.dispose]();
  });

  test("refuses what a client named that cannot be opened, in a shim's words", async () => {
    using kept = keep(join(dir, "nobody"));
    await expect(open(kept, false)).rejects.toThrow("failed to start console copy");
  });
});

describe("whose output is kept", () => {
  const settings = { keep: "labelled", ...LIMITS } as const;

  test.each<[Record<string, string>, "labelled" | "all" | "none", boolean]>([
    [{}, "labelled", false],
    [{ "berth.io/log": "keep" }, "labelled", true],
    [{ "berth.io/log": "none" }, "all", false],
    [{}, "all", true],
    [{ "berth.io/log": "keep" }, "none", false],
  ])("%j where %s are", (labels, policy, want) => {
    expect(limitsOf(labels, { ...settings, keep: policy }) !== undefined).toBe(want);
  });

  test("labels say how much, and nonsense is refused", () => {
    const labels = { "berth.io/log": "keep", "berth.io/log.max-size": "8192", "berth.io/log.max-segments": "2" };
    expect(limitsOf(labels, settings)).toEqual({ maxSizeBytes: 8192, maxSegments: 2 });
    for (const size of ["", "-1", "1k", "12", "99999999999999999"]) {
      expect(() => limitsOf({ ...labels, "berth.io/log.max-size": size }, settings)).toThrow("is not a number from");
    }
  });
});
