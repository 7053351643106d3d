import { once } from "node:events";
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Stdio } from "../../core/task.js";
import { copyStreams } from "./copy.js";
import { FifoEnds, type ProcessStreams } from "./fifo-ends.js";
import { makeFifos, NULL_STDIO, removeFifos } from "./fifos.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "bt-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const make = (terminal = false): Promise<Stdio> => makeFifos({ id: "c1", terminal, parentDir: join(dir, "fifo") });

/** The shim's end of a pipe, opened as it does: for writing or reading, after the client has. */
const openAsShim = (path: string, flags: number): number => openSync(path, flags | constants.O_NONBLOCK);

describe("named pipes", () => {
  test("have a folder of their own that only the owner can enter", async () => {
    const stdio = await make();
    const folder = dirname(stdio.stdout);
    expect(stdio).toEqual({
      ...{ stdin: join(folder, "c1-stdin"), stdout: join(folder, "c1-stdout"), stderr: join(folder, "c1-stderr") },
      terminal: false,
    });
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(stdio.stdin).isFIFO()).toBe(true);
    expect(dirname((await make()).stdout)).not.toBe(folder);
  });

  test("with a terminal there is no stderr", async () => {
    const stdio = await make(true);
    expect(stdio).toMatchObject({ stderr: "", terminal: true });
    expect(readdirSync(dirname(stdio.stdout)).sort()).toEqual(["c1-stdin", "c1-stdout"]);
  });

  test("are removed with their folder, twice if need be", async () => {
    const stdio = await make();
    await removeFifos(stdio);
    expect(existsSync(dirname(stdio.stdout))).toBe(false);
    await removeFifos(stdio);
    await removeFifos(NULL_STDIO);
  });

  test("nothing else is removed", async () => {
    const stdio = await make();
    const log = join(dirname(stdio.stdout), "log");
    writeFileSync(log, "x");
    await removeFifos({ ...stdio, stderr: log });
    await removeFifos({ stdin: "", stdout: `file://${log}`, stderr: `file://${log}`, terminal: false });
    expect(readdirSync(dirname(log)).sort()).toEqual(["c1-stderr", "log"]);
  });
});

describe("our ends", () => {
  test("output ends when the shim closes, not before it has come", async () => {
    const stdio = await make();
    using ends = FifoEnds.hold(stdio);
    const { stdout } = ends.streams();
    if (stdout === undefined) throw new Error("no stdout");
    let ended = false;
    stdout.once("end", () => {
      ended = true;
    });
    const all = text(stdout);
    await nextTurn();
    expect(ended).toBe(false);
    const shim = openAsShim(stdio.stdout, constants.O_WRONLY);
    writeSync(shim, "first ");
    ends.release();
    writeSync(shim, "last");
    closeSync(shim);
    expect(await all).toBe("first last");
  });

  test("input written and ended before the shim came is there when it comes", async () => {
    const stdio = await make();
    using ends = FifoEnds.hold(stdio);
    const { stdin } = ends.streams();
    await new Promise<void>((resolve) => stdin?.end("early", resolve));
    const shim = openAsShim(stdio.stdin, constants.O_RDONLY);
    ends.release();
    expect(await text(new Socket({ fd: shim, readable: true, writable: false }))).toBe("early");
  });

  test.each([
    ["written while it comes", (stdin: Writable) => stdin.write("late")],
    ["written and ended while it comes", (stdin: Writable) => stdin.end("late")],
  ])("a shim that answers before it has opened its end gets what was %s", async (_what, write) => {
    const stdio = await make();
    using ends = FifoEnds.hold(stdio);
    const { stdin } = ends.streams();
    if (stdin === undefined) throw new Error("no stdin");
    const failed: unknown[] = [];
    stdin.on("error", (error) => failed.push(error));
    ends.release();
    write(stdin);
    await nextTurn();
    const shim = new Socket({ fd: openAsShim(stdio.stdin, constants.O_RDONLY), readable: true, writable: false });
    const [first] = await once(shim, "data");
    expect(String(first)).toBe("late");
    // The last of our ends goes when it is seen that somebody reads.
    const ended = once(shim, "end");
    stdin.end();
    await ended;
    expect(failed).toEqual([]);
  });

  test("a megabyte goes through both ways at the reader's pace", async () => {
    const stdio = await make();
    using ends = FifoEnds.hold(stdio);
    const { stdin, stdout } = ends.streams();
    if (stdin === undefined || stdout === undefined) throw new Error("no streams");
    const shimIn = new Socket({ fd: openAsShim(stdio.stdin, constants.O_RDONLY), readable: true, writable: false });
    const shimOut = new Socket({ fd: openAsShim(stdio.stdout, constants.O_WRONLY), readable: false, writable: true });
    ends.release();
    shimIn.pipe(shimOut);
    const data = Buffer.from(Uint8Array.from({ length: 1 << 20 }, (_, i) => i * 7));
    Readable.from([data]).pipe(stdin);
    expect((await buffer(stdout)).equals(data)).toBe(true);
  });

  test("attaching leaves out what nobody has open", async () => {
    const stdio = await make();
    using ends = FifoEnds.attach(stdio);
    const { stdin, stdout } = ends.streams();
    expect(stdin).toBeUndefined();
    expect(stdout).toBeDefined();
    using none = FifoEnds.attach({ stdin: "", stdout: "file:///x", stderr: join(dir, "none"), terminal: false });
    expect(none.streams()).toEqual({ stdin: undefined, stdout: undefined, stderr: undefined });
  });

  test("closing twice is harmless, and output that was not asked for stays in the pipe", async () => {
    const stdio = await make();
    const ends = FifoEnds.hold(stdio);
    const shim = openAsShim(stdio.stdout, constants.O_RDWR);
    writeSync(shim, "kept");
    ends[Symbol.dispose]();
    ends[Symbol.dispose]();
    using again = FifoEnds.attach(stdio);
    const { stdout } = again.streams();
    closeSync(shim);
    expect(stdout && (await text(stdout))).toBe("kept");
  });
});

describe("copying", () => {
  const streams = (): { readonly [K in keyof ProcessStreams]: PassThrough } => ({
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
  });

  test("keeps the streams apart, leaves the local ones open and tells of the input's end", async () => {
    const process = streams();
    const local = { stdin: Readable.from(["in"]), stdout: new PassThrough(), stderr: new PassThrough() };
    const inputEnded = new Promise<void>((resolve) => {
      const copy = copyStreams(process, local, { onInputEnd: resolve, onOutputLost: () => {} });
      void copy.outputDone.then(() => {
        local.stdout.end();
        local.stderr.end();
      });
    });
    process.stdout.end("out");
    process.stderr.end("err");
    expect(await text(process.stdin)).toBe("in");
    await inputEnded;
    expect(await text(local.stdout)).toBe("out");
    expect(await text(local.stderr)).toBe("err");
  });

  test("a local output that is gone is told of once, and the process does not stand still", async () => {
    const process = streams();
    const gone = new Writable({ write: (_chunk, _encoding, done) => done(new Error("EPIPE")) });
    let lost = 0;
    const copy = copyStreams(
      process,
      { stdout: gone, stderr: new PassThrough() },
      {
        onInputEnd: () => {},
        onOutputLost: () => {
          lost += 1;
        },
      },
    );
    process.stdout.write(Buffer.alloc(1 << 20));
    process.stdout.end(Buffer.alloc(1 << 20));
    process.stderr.end();
    await copy.outputDone;
    expect(lost).toBe(1);
  });

  test("draining gives up on a pipe that a child keeps open", async () => {
    const process = streams();
    const local = { stdout: new PassThrough(), stderr: new PassThrough() };
    const copy = copyStreams(process, local, { onInputEnd: () => {}, onOutputLost: () => {} });
    process.stdout.write("last words");
    process.stderr.end();
    await copy.drain(10);
    expect(local.stdout.read()?.toString()).toBe("last words");
  });

  test("stopping the input is not its end", async () => {
    const process = streams();
    const input = new PassThrough();
    let ended = false;
    const copy = copyStreams(
      process,
      { stdin: input, stdout: new PassThrough(), stderr: new PassThrough() },
      {
        onInputEnd: () => {
          ended = true;
        },
        onOutputLost: () => {},
      },
    );
    copy.stopInput();
    input.end("late");
    process.stdin.end();
    await nextTurn();
    await nextTurn();
    expect(ended).toBe(false);
  });
});
