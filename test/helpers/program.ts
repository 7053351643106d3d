// Runs other programs: to their end with a deadline, or in the background until the test is done with them.
// A program is only ever signalled by the pid that was started here.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Hopeless, until } from "./until.js";

const STOP_MS = 10_000;

export interface ProgramResult {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Written to stdin, which then ends. Without it stdin stays open until `endInput`. */
  readonly input?: string;
  /** Killed after this long. Default: 60 s. */
  readonly timeoutMs?: number;
}

/** A program in the background; disposing kills it and waits for its end. */
export interface Program extends AsyncDisposable {
  readonly pid: number;
  readonly result: Promise<ProgramResult>;
  stdout(): string;
  stderr(): string;
  write(text: string): void;
  endInput(): void;
  signal(name: NodeJS.Signals): void;
  /** SIGTERM, and SIGKILL when that has not ended it after 10 s. */
  stop(): Promise<void>;
  /** Waits until stdout matches. @throws when it ended without, or after `timeoutMs` (that of {@link until}). */
  waitForOutput(pattern: RegExp, timeoutMs?: number): Promise<string>;
}

export async function startProgram(
  file: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<Program> {
  const child = spawn(file, args, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  child.stdin.on("error", () => {});
  await once(child, "spawn");
  const text = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString();
  const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? 60_000);
  let ended = false;
  const result = once(child, "close").then(([code, signal]): ProgramResult => {
    clearTimeout(timer);
    ended = true;
    return { code, signal, stdout: text(out), stderr: text(err) };
  });
  if (options.input !== undefined) child.stdin.end(options.input);
  return {
    pid: child.pid ?? 0,
    result,
    stdout: () => text(out),
    stderr: () => text(err),
    write: (input) => void child.stdin.write(input),
    endInput: () => void child.stdin.end(),
    signal: (name) => void child.kill(name),
    stop: async () => {
      const killer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      if (!ended) child.kill("SIGTERM");
      await result;
      clearTimeout(killer);
    },
    waitForOutput: async (pattern, timeoutMs) => {
      await until(
        `${pattern} from ${file} ${args.join(" ")}`,
        () => {
          if (pattern.test(text(out))) return true;
          if (ended) throw new Hopeless(`it ended with: ${text(out)}${text(err)}`);
          return false;
        },
        timeoutMs,
      );
      return text(out);
    },
    [Symbol.asyncDispose]: async () => {
      if (!ended) child.kill("SIGKILL");
      await result;
    },
  };
}

/** Runs a program to its end; stdin is empty unless `input` is given. */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  await using program = await startProgram(file, args, { ...options, input: options.input ?? "" });
  return await program.result;
}
