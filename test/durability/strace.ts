// A process under strace: attached to while it runs, its system calls read back in the order in which the tracer saw them.
// A thread stands still while the tracer looks at its call, so a call that begins after another one ended does so in this order too.
import { open } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { DisposeScope } from "../../api/core/dispose.js";
import { startProgram } from "../helpers/program.js";
import { until } from "../helpers/until.js";

/** One system call. Positions are line numbers of the trace: a call that began behind the end of another has a larger one. */
export interface Syscall {
  readonly thread: number;
  readonly name: string;
  readonly begin: number;
  /** Larger than every position while it has not ended. */
  readonly end: number;
  /** What the first argument's descriptor stands for: a path, or a socket with its inodes. "" without one. */
  readonly target: string;
  /** The bytes that went through it, as many as the kernel took. */
  readonly data: Buffer;
  /** The integers behind the data, in order. */
  readonly numbers: readonly number[];
  /** Negative when it failed, undefined while it has not ended. */
  readonly result: number | undefined;
}

export interface Trace {
  /** Detaches; the traced process goes on. */
  stop(): Promise<void>;
  /** To be called after `stop`. */
  syscalls(): Promise<Syscall[]>;
}

export interface TraceOptions {
  readonly pid: number;
  /** Where the trace is written to. */
  readonly file: string;
  readonly syscalls: readonly string[];
  /** More arguments, for example what to inject. */
  readonly args?: readonly string[];
}

const DETACH_TIMEOUT_MS = 5_000;

/** Attaches to all threads of a process, and resolves when it is traced. */
export async function traceProcess(scope: DisposeScope, options: TraceOptions): Promise<Trace> {
  const { pid, file, syscalls, args = [] } = options;
  // Everything as hexadecimal, in full: data is compared byte by byte.
  const format = ["-f", "-yy", "-xx", "-s", "1000000", "-o", file];
  const traced = ["-e", `trace=${syscalls.join(",")}`, ...args];
  const strace = scope.use(
    await startProgram("strace", [...format, ...traced, "-p", `${pid}`], { timeoutMs: 300_000 }),
  );
  await until("strace to attach", () => strace.stderr().includes("attached"));
  return {
    stop: async () => {
      strace.signal("SIGINT");
      // Now and then it waits for ever for a thread that it holds itself. When it is killed, the kernel lets all of them go.
      const timer = setTimeout(() => strace.signal("SIGKILL"), DETACH_TIMEOUT_MS);
      await strace.result;
      clearTimeout(timer);
    },
    syscalls: () => readTrace(file),
  };
}

const LINE = /^(\d+) +(.*)$/;
const RESUMED = /^<\.\.\. (\w+) resumed>(.*)$/;
const UNFINISHED = " <unfinished ...>";
const CALL = /^(\w+)\((.*)$/s;
const RESULT = / = (-?\d+|\?)(?:<.*>)?(?: [A-Z].*)?(?: \(.*\))?$/;
const STRING = /"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/g;
const TARGET = /^\d+<((?:->|"[^"]*"|[^">])*)>/;

const unhex = (text: string): Buffer => Buffer.from(text.replaceAll("\\x", ""), "hex");
const unhexAll = (text: string): string =>
  text.replace(/(?:\\x[0-9a-f]{2})+/g, (escaped) => unhex(escaped).toString("utf8"));

/** Everything that a trace file holds. @throws when strace cut a string short. */
async function readTrace(file: string): Promise<Syscall[]> {
  const found: Syscall[] = [];
  const open = new Map<string, { readonly text: string; readonly begin: number }>();
  let position = 0;
  for await (const line of lines(file)) {
    position += 1;
    const [, thread, text] = LINE.exec(line) ?? [];
    if (thread === undefined || text === undefined || /^(?:---|\+\+\+)/.test(text)) continue;
    if (text.endsWith(UNFINISHED)) {
      open.set(thread, { text: text.slice(0, -UNFINISHED.length), begin: position });
      continue;
    }
    const [, , rest] = RESUMED.exec(text) ?? [];
    const begun = open.get(thread);
    open.delete(thread);
    if (rest === undefined) found.push(parseCall(Number(thread), text, position, position));
    else if (begun !== undefined) found.push(parseCall(Number(thread), begun.text + rest, begun.begin, position));
  }
  for (const [thread, { text, begin }] of open) {
    found.push(parseCall(Number(thread), text, begin, Number.POSITIVE_INFINITY));
  }
  return found.sort((a, b) => a.begin - b.begin);
}

async function* lines(file: string): AsyncIterable<string> {
  await using handle = await open(file);
  yield* createInterface({ input: handle.createReadStream({ autoClose: false }), crlfDelay: Number.POSITIVE_INFINITY });
}

function parseCall(thread: number, text: string, begin: number, end: number): Syscall {
  const [, name = "", args = ""] = CALL.exec(text) ?? [];
  const [, target = ""] = TARGET.exec(args) ?? [];
  const [, status] = RESULT.exec(args) ?? [];
  const result = status === undefined || status === "?" ? undefined : Number(status);
  const behind = args.replace(TARGET, "");
  const strings = [...behind.matchAll(STRING)].map(([, escaped = "", cut]) => {
    if (cut !== undefined) throw new Error(`strace cut a string short: ${name}`);
    return unhex(escaped);
  });
  const numbers = [...behind.replace(STRING, "").matchAll(/, (-?\d+)(?=[,)])/g)].map(([, number]) => Number(number));
  const data = Buffer.concat(strings);
  const taken = result === undefined ? 0 : Math.max(0, result);
  return {
    thread,
    name,
    begin,
    end,
    target: unhexAll(target),
    data: MOVES_DATA.has(name) ? data.subarray(0, taken) : data,
    numbers,
    result,
  };
}

const MOVES_DATA = new Set(["read", "write", "writev", "pread64", "pwrite64"]);
