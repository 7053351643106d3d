// What processes read and write without a terminal: real processes, real FIFOs.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  createReadStream,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
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
  dir = mkdtempSync(join(tmpdir(), "berth-io-"));
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

function file(name: string, content = ""): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

const lines = (count: number): string => Array.from({ length: count }, (_, index) => `line ${index + 1}\n`).join("");

const stdioOf = (stdin: string, stdout: string, stderr: string) => ({ stdin, stdout, stderr, terminal: false });

function run(io: ProcessIO, script: string): ChildProcess {
  const child = spawn("/bin/sh", ["-c", script], { stdio: [...io.descriptors] });
  io.handedOver();
  return child;
}

describe("no stdio at all", () => {
  test("is the null device, three times", async () => {
    const io = await openProcessIO(stdioOf("", "", ""), options);
    const child = run(io, "read line; [ $? = 1 ] && echo lost && echo lost >&2");
    expect(await once(child, "exit")).toEqual([0, null]);
    io.closeStdin();
    io.resize(1, 1);
    await io.finish();
    await io[Symbol.asyncDispose]();
    expect(countOpen()).toBe(openBefore);
  });
});

describe("FIFOs", () => {
  test("are the process's own: its output arrives, ends when it has finished, and nothing stays open", async () => {
    const [stdout, stderr] = [fifo("out"), fifo("err")];
    const output = Promise.all([text(createReadStream(stdout)), text(createReadStream(stderr))]);
    const io = await openProcessIO(stdioOf("", stdout, stderr), options);
    const child = run(io, "echo one; echo two >&2; readlink /proc/self/fd/1; ");
    await once(child, "exit");
    await io.finish();
    expect(await output).toEqual([`one\n${stdout}\n`, "two\n"]);
    expect(countOpen()).toBe(openBefore);
  });

  test("outlive their readers: what is written meanwhile is read by the next", async () => {
    const stdout = fifo("out");
    const [stdin, stderr] = [fifo("in"), file("err")];
    const first = await open(stdout, "r+");
    const io = await openProcessIO(stdioOf(stdin, stdout, stderr), options);
    await first.close();
    const child = run(io, "echo one; read line; echo $line");
    const input = await open(stdin, "w");
    const exit = once(child, "exit");
    await input.write("two\n");
    await exit;
    const second = await open(stdout, "r");
    await io.finish();
    expect(await second.readFile("utf8")).toBe("one\ntwo\n");
    await second.close();
    await input.close();
  });

  test("end the input when it was closed here and by the client, in either order", async () => {
    for (const closers of [
      ["io", "client"],
      ["client", "io"],
    ]) {
      const [stdin, stdout] = [fifo(`in-${closers[0]}`), fifo(`out-${closers[0]}`)];
      const output = text(createReadStream(stdout));
      const io = await openProcessIO(stdioOf(stdin, stdout, stdout), options);
      const child = run(io, "echo ready; cat; echo over");
      const input = await open(stdin, "w");
      for (const closer of closers) {
        expect(child.exitCode).toBeNull();
        await input.write("x").catch(() => undefined);
        if (closer === "io") io.closeStdin();
        else await input.close();
      }
      await once(child, "exit");
      await io.finish();
      expect(await output).toBe(closers[0] === "io" ? "ready\nxxover\n" : "ready\nxover\n");
    }
  });

  test("can be opened again by a process of another user", async (context) => {
    if (process.getuid?.() !== 0) context.skip("needs root");
    const stdout = fifo("out");
    const output = text(createReadStream(stdout));
    const io = await openProcessIO(stdioOf("", stdout, stdout), { ...options, owner: { uid: 4321, gid: 4321 } });
    const child = spawn("/bin/sh", ["-c", "echo again > /dev/stdout"], {
      stdio: [...io.descriptors],
      uid: 4321,
      gid: 4321,
    });
    io.handedOver();
    await once(child, "exit");
    await io.finish();
    expect(await output).toBe("again\n");
  });

  test("without a reader are waited for, and given up in containerd's words", async () => {
    const [stdout, stderr] = [fifo("out"), fifo("err")];
    const early = openProcessIO(stdioOf("", stdout, stderr), { ...options, readerTimeoutMs: 20 });
    await expect(early).rejects.toMatchObject({
      kind: "deadline_exceeded",
      message: `failed to start io pipe copy: unable to copy pipes: containerd-shim: opening w/o fifo "${stdout}" failed: context deadline exceeded`,
    });
    const aborted = openProcessIO(stdioOf("", stdout, stderr), { ...options, signal: AbortSignal.timeout(20) });
    await expect(aborted).rejects.toMatchObject({ kind: "deadline_exceeded" });
    expect(countOpen()).toBe(openBefore);

    const late = openProcessIO(stdioOf("", stdout, stderr), options);
    const output = Promise.all([text(createReadStream(stdout)), text(createReadStream(stderr))]);
    await using io = await late;
    await once(run(io, "echo late"), "exit");
    await io.finish();
    expect(await output).toEqual(["late\n", ""]);
  });
});

describe("files", () => {
  test("are appended to, also when both outputs are one", async () => {
    const [stdin, stdout] = [file("in", "input"), file("out", "before\n")];
    const io = await openProcessIO(stdioOf(stdin, stdout, stdout), options);
    await once(run(io, "cat; echo; echo error >&2"), "exit");
    await io.finish();
    expect(readFileSync(stdout, "utf8")).toBe("before\ninput\nerror\n");
    expect(countOpen()).toBe(openBefore);
  });

  const missing = (path: string): string =>
    `failed to start io pipe copy: unable to copy pipes: containerd-shim: opening file "${path}" failed: open ${path}: no such file or directory`;

  test.each([
    ["is missing", (at: string) => stdioOf("", `${at}/no`, `${at}/no`), (at: string) => missing(`${at}/no`)],
    ["has an address", (at: string) => stdioOf("", `fifo://${at}`, ""), (at: string) => missing(`fifo://${at}`)],
    ["is only given for errors", (at: string) => stdioOf("", "", `${at}/x`), () => missing("")],
    ["is only given for input", () => stdioOf("/dev/null", "", ""), () => missing("")],
    [
      "is no file",
      (at: string) => stdioOf("", at, at),
      (at: string) => missing(at).replace("no such file or directory", "is a directory"),
    ],
    [
      "has another scheme",
      () => stdioOf("", "x://y", ""),
      () => "failed to create init process I/O: unknown STDIO scheme x",
    ],
  ])("refuses output that %s", async (_name, stdio, message) => {
    await expect(openProcessIO(stdio(dir), options)).rejects.toMatchObject({
      kind: "unknown",
      message: message(dir),
    });
    expect(existsSync(join(dir, "no"))).toBe(false);
    expect(countOpen()).toBe(openBefore);
  });
});

test("input that is not there is refused", async () => {
  const stdin = join(dir, "no");
  for (const stdout of [file("out"), `file://${dir}/log`, "binary:///bin/true"]) {
    await expect(openProcessIO(stdioOf(stdin, stdout, stdout), options)).rejects.toMatchObject({
      kind: "unknown",
      message: `failed to open stdin fifo ${stdin}: stat ${stdin}: no such file or directory`,
    });
  }
  expect(countOpen()).toBe(openBefore);
});

describe("addresses", () => {
  test("of a file: it is made, and both outputs are appended", async () => {
    const path = join(dir, "a folder/deep/log");
    const address = `file://${path.replace(" ", "%20")}`;
    for (const word of ["one", "two"]) {
      const io = await openProcessIO(stdioOf("", address, address), options);
      await once(run(io, `echo ${word}; echo error >&2`), "exit");
      await io.finish();
    }
    expect(readFileSync(path, "utf8")).toBe("one\nerror\ntwo\nerror\n");
    expect(countOpen()).toBe(openBefore);
  });

  test("of a file that cannot be made", async () => {
    const path = join(file("f"), "x", "log");
    await expect(openProcessIO(stdioOf("", `file://${path}`, ""), options)).rejects.toMatchObject({
      kind: "unknown",
      message: `failed to create init process I/O: mkdir ${join(dir, "f", "x")}: not a directory`,
    });
  });

  function program(name: string, script: string): string {
    const path = file(name, `#!/bin/sh\n${script}`);
    chmodSync(path, 0o755);
    return path;
  }

  test("of a program: it gets the arguments, who it is, and all the output", async () => {
    const path = program(
      "logger",
      `cd ${dir}; echo "$@" > args; env | grep CONTAINER | sort > env; echo ready >&5; cat <&4 >err & cat <&3 >out; wait`,
    );
    const io = await openProcessIO(stdioOf("", `binary://${path}?b=1&a=x%20y&b=2&c`, ""), options);
    expect(existsSync(join(dir, "env"))).toBe(true);
    await once(run(io, "for i in $(seq 20000); do echo line $i; done; echo error >&2"), "exit");
    await io.finish();
    await io[Symbol.asyncDispose]();
    expect(readFileSync(join(dir, "args"), "utf8")).toBe("b 1 a x y c \n");
    expect(readFileSync(join(dir, "env"), "utf8")).toBe("CONTAINER_ID=task\nCONTAINER_NAMESPACE=bt-io\n");
    expect(readFileSync(join(dir, "err"), "utf8")).toBe("error\n");
    expect(readFileSync(join(dir, "out"), "utf8")).toBe(lines(20_000));
    expect(countOpen()).toBe(openBefore);
  });

  test("of a program that does not end by itself: it is told to", async () => {
    const path = program(
      "stubborn",
      `trap 'echo told > ${dir}/told; exit' TERM; exec 5>&-; while :; do sleep 0.05; done`,
    );
    const io = await openProcessIO(stdioOf("", `binary://${path}`, ""), options);
    await io[Symbol.asyncDispose]();
    expect(readFileSync(join(dir, "told"), "utf8")).toBe("told\n");
    expect(countOpen()).toBe(openBefore);
  });

  test("of a program that has ended: the process goes on", async () => {
    const path = program("brief", "exit 3");
    const io = await openProcessIO(stdioOf("", `binary://${path}`, ""), options);
    expect(await once(run(io, "echo one; echo two; exit 7"), "exit")).toEqual([7, null]);
    await io[Symbol.asyncDispose]();
  });

  test.each([
    [
      "that is not there",
      (at: string) => `binary://${at}/no`,
      "failed to start binary process: fork/exec @/no: no such file or directory",
    ],
    [
      "that may not be run",
      (at: string) => `binary://${at}/plain`,
      "failed to start binary process: fork/exec @/plain: permission denied",
    ],
    ["without a path", () => "binary://", 'unable to parse stdout uri: parse "binary://": no absolute path'],
  ])("of a program %s", async (_name, address, message) => {
    file("plain");
    await expect(openProcessIO(stdioOf("", address(dir), ""), options)).rejects.toMatchObject({
      kind: "unknown",
      message: `failed to create init process I/O: ${message.replace("@", dir)}`,
    });
    expect(countOpen()).toBe(openBefore);
  });

  test("of a program that never gets ready", async () => {
    const path = program("slow", "exec sleep 1000");
    const waiting = openProcessIO(stdioOf("", `binary://${path}`, ""), { ...options, readerTimeoutMs: 50 });
    await expect(waiting).rejects.toMatchObject({ kind: "deadline_exceeded" });
    expect(countOpen()).toBe(openBefore);
  });
});
