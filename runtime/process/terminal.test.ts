// Processes that have a terminal: real ones, whose session it controls.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  constants,
  createReadStream,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeFifo } from "../sys/fifo.js";
import { openProcessIO, type ProcessIOOptions } from "./open-process-io.js";
import type { ProcessIO } from "./process-io.js";

let dir: string;
let openBefore: number;
const options: ProcessIOOptions = { namespace: "bt-io", id: "task" };
const countOpen = (): number => readdirSync("/proc/self/fd").length;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "berth-tty-"));
  openBefore = countOpen();
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

function fifo(name: string): string {
  const path = join(dir, name);
  makeFifo(path, 0o700);
  return path;
}

const stdioOf = (stdin: string, stdout: string) => ({ stdin, stdout, stderr: "", terminal: true });

/** As the launcher does: the leader of a session opens it first. */
function run(io: ProcessIO, script: string): ChildProcess {
  const child = spawn("/bin/sh", ["-c", `exec 0<>"$1" 1>&0 2>&0; ${script}`, "sh", io.terminalPath ?? ""], {
    stdio: [...io.descriptors],
    detached: true,
  });
  io.handedOver();
  return child;
}

const lines = (count: number): string => Array.from({ length: count }, (_, index) => `${index + 1}\r\n`).join("");

/** What a client holds: reads on, and tells when something has been seen. */
class Reader {
  seen = "";
  readonly #stream: Socket;
  readonly #closed: Promise<unknown>;

  constructor(path: string) {
    this.#stream = new Socket({
      fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK),
      readable: true,
      writable: false,
    });
    this.#closed = once(this.#stream, "close");
    this.#stream.on("data", (chunk: Buffer) => {
      this.seen += chunk.toString();
    });
  }

  async until(pattern: string | RegExp): Promise<void> {
    while (this.seen.match(pattern) === null) await once(this.#stream, "data");
  }

  async end(): Promise<string> {
    await this.#closed;
    return this.seen;
  }

  leave(): void {
    this.#stream.destroy();
  }
}

describe("a terminal", () => {
  test("is one: it has a size, controls its session, and everything written there arrives", async () => {
    const reader = new Reader(fifo("out"));
    const io = await openProcessIO(stdioOf("", join(dir, "out")), options);
    io.resize(100, 30);
    const child = run(
      io,
      "tty; stty size; ps -o tty= -p $$; trap 'stty size; exit 5' WINCH; echo ready; while :; do sleep 0.05; done",
    );
    await reader.until("ready");
    io.resize(80, 25);
    expect(await once(child, "exit")).toEqual([5, null]);
    await io.finish();
    const name = io.terminalPath?.replace("/dev/", "");
    expect(await reader.end()).toBe(`/dev/${name}\r\n30 100\r\n${name}\r\nready\r\n25 80\r\n`);
    io.resize(1, 1);
    await io[Symbol.asyncDispose]();
    expect(countOpen()).toBe(openBefore);
  });

  test("takes what is typed, and turns ^C into a signal and ^D into the end of the input", async () => {
    const [stdin, stdout] = [fifo("in"), fifo("out")];
    const reader = new Reader(stdout);
    const io = await openProcessIO(stdioOf(stdin, stdout), options);
    const child = run(io, "trap 'echo interrupted' INT; echo ready; cat; cat; echo over");
    const input = await open(stdin, "w");
    await reader.until("ready");
    await input.write("one\n");
    await reader.until(/one\r\none/);
    await input.write("\x03");
    await reader.until("interrupted");
    await input.write("two\n");
    await reader.until(/two\r\ntwo/);
    // It may end before the write is told to be done.
    const exit = once(child, "exit");
    await input.write("\x04");
    await exit;
    await input.close();
    await io.finish();
    expect(await reader.end()).toMatch(/over\r\n$/);
    expect(countOpen()).toBe(openBefore);
  });

  test("is hung up when the input was closed here and by the client", async () => {
    const [stdin, stdout] = [fifo("in"), fifo("out")];
    const reader = new Reader(stdout);
    const io = await openProcessIO(stdioOf(stdin, stdout), options);
    const child = run(io, "trap 'exit 3' HUP; echo ready; cat");
    const input = await open(stdin, "w");
    await reader.until("ready");
    await input.write("one\n");
    await reader.until(/one\r\none/);
    io.closeStdin();
    await input.write("two\n");
    await reader.until(/two\r\ntwo/);
    expect(child.exitCode).toBeNull();
    const exit = once(child, "exit");
    await input.close();
    expect(await exit).toEqual([3, null]);

    io.resize(1, 1);
    await io.finish();
    expect(await reader.end()).toMatch(/two\r\n$/);
    await io[Symbol.asyncDispose]();
    expect(countOpen()).toBe(openBefore);
  });

  test("loses nothing of what its process wrote last", async () => {
    for (let round = 0; round < 20; round += 1) {
      const path = fifo(`out${round}`);
      const output = text(createReadStream(path));
      const io = await openProcessIO(stdioOf("", path), options);
      await once(run(io, "exec seq 3000"), "exit");
      await io.finish();
      expect(await output).toBe(lines(3000));
    }
    expect(countOpen()).toBe(openBefore);
  });

  test("waits for a client that reads slowly, and for none that has left", async () => {
    const path = fifo("out");
    const slow = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const io = await openProcessIO(stdioOf("", path), options);
    // More than the FIFO holds; the kernel keeps the rest for the terminal.
    await once(run(io, "head -c 80000 /dev/zero | tr '\\0' x"), "exit");
    const output = text(new Socket({ fd: slow, readable: true, writable: false }));
    await io.finish();
    expect(await output).toBe("x".repeat(80_000));

    const again = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const lonely = await openProcessIO(stdioOf("", path), options);
    closeSync(again);
    await once(run(lonely, "exec seq 1000"), "exit");
    await lonely.finish();
    expect(countOpen()).toBe(openBefore);
  });

  test("goes on while clients come and go", async () => {
    const [stdin, stdout] = [fifo("in"), fifo("out")];
    const first = new Reader(stdout);
    const io = await openProcessIO(stdioOf(stdin, stdout), options);
    const child = run(io, "stty -echo; echo ready; read line; echo $line; read line; echo $line");
    await first.until("ready");
    let input = await open(stdin, "w");
    await input.write("one\n");
    await first.until("one");
    await input.close();
    first.leave();
    const second = new Reader(stdout);
    input = await open(stdin, "w");
    const exit = once(child, "exit");
    await input.write("two\n");
    await exit;
    await io.finish();
    expect(await second.end()).toBe("two\r\n");
    await input.close();
  });

  test("is not kept by a process that its process left behind", async () => {
    const path = fifo("out");
    const output = text(createReadStream(path));
    const io = await openProcessIO(stdioOf("", path), options);
    const child = run(
      io,
      `setsid sh -c 'trap "" HUP; echo $$ > ${dir}/pid; exec sleep 1000' & while ! [ -s ${dir}/pid ]; do sleep 0.01; done; echo over`,
    );
    await once(child, "exit");
    await io.finish();
    process.kill(Number(readFileSync(join(dir, "pid"), "utf8")), "SIGKILL");
    expect(await output).toBe("over\r\n");
  });

  test("can be let go at any time", async () => {
    const [stdin, stdout] = [fifo("in"), fifo("out")];
    const reader = new Reader(stdout);
    const unused = await openProcessIO(stdioOf(stdin, stdout), options);
    await unused[Symbol.asyncDispose]();
    await unused.finish();
    unused.closeStdin();
    expect(await reader.end()).toBe("");
    expect(countOpen()).toBe(openBefore);

    const again = new Reader(stdout);
    const io = await openProcessIO(stdioOf(stdin, stdout), options);
    const child = run(io, "echo ready; exec cat");
    await again.until("ready");
    await io[Symbol.asyncDispose]();
    expect(await once(child, "exit")).toEqual([null, "SIGHUP"]);
    expect(await again.end()).toBe("ready\r\n");
  });

  test("belongs to the user of the process", async (context) => {
    if (process.getuid?.() !== 0) context.skip("needs root");
    await using io = await openProcessIO(stdioOf("", ""), { ...options, owner: { uid: 4321, gid: 4321 } });
    expect(statSync(io.terminalPath ?? "").uid).toBe(4321);
  });
});

describe("the output of a terminal", () => {
  test("may be for nobody", async () => {
    const io = await openProcessIO(stdioOf("", ""), options);
    expect(await once(run(io, "seq 20000; exit 4"), "exit")).toEqual([4, null]);
    await io.finish();
    expect(countOpen()).toBe(openBefore);
  });

  test("may go to a file, there already or to be made", async () => {
    writeFileSync(join(dir, "old"), "before\n");
    for (const address of [join(dir, "old"), `file://${dir}/deep/new`]) {
      const io = await openProcessIO(stdioOf("", address), options);
      await once(run(io, "echo hello"), "exit");
      await io.finish();
    }
    expect(readFileSync(join(dir, "old"), "utf8")).toBe("before\nhello\r\n");
    expect(readFileSync(join(dir, "deep/new"), "utf8")).toBe("hello\r\n");
    expect(countOpen()).toBe(openBefore);
  });

  test("may go to a program", async () => {
    writeFileSync(join(dir, "logger"), `#!/bin/sh\nexec 5>&-; cat <&3 > ${dir}/logged\n`);
    chmodSync(join(dir, "logger"), 0o755);
    const io = await openProcessIO(stdioOf("", `binary://${dir}/logger`), options);
    await once(run(io, "seq 3000"), "exit");
    await io.finish();
    await io[Symbol.asyncDispose]();
    expect(readFileSync(join(dir, "logged"), "utf8")).toBe(lines(3000));
    expect(countOpen()).toBe(openBefore);
  });

  test("must go somewhere that is there", async () => {
    await expect(openProcessIO(stdioOf("", join(dir, "no")), options)).rejects.toMatchObject({
      kind: "unknown",
      message: `failed to start console copy: stat ${dir}/no: no such file or directory`,
    });
    await expect(openProcessIO(stdioOf(join(dir, "no"), ""), options)).rejects.toMatchObject({
      kind: "unknown",
      message: `failed to open stdin fifo ${dir}/no: stat ${dir}/no: no such file or directory`,
    });
    const waiting = openProcessIO(stdioOf(fifo("in"), fifo("out")), { ...options, readerTimeoutMs: 20 });
    await expect(waiting).rejects.toMatchObject({ kind: "deadline_exceeded" });
    expect(countOpen()).toBe(openBefore);
  });
});
