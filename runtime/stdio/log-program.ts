// A program that is given a task's output: descriptor 3 is its standard output, 4 its standard error, and 5 is to be closed (or
// written to) when it is ready.
// @source containerd runtime/v2/runc/process/io.go, runtime/v2/logging
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ContainerdError, unknownError } from "../../api/core/errors.js";
import { makePipe } from "../sys/pipe.js";
import { systemReason } from "../sys/system-text.js";
import { giveTo, type Owner } from "./client-ends.js";
import type { Descriptors } from "./descriptors.js";

/** How long it may take to end by itself when its input has. */
const DRAIN_MS = 1_000;
/** How long it may take to end when it is told to. */
const TERMINATE_MS = 12_000;

export interface LogProgramOptions {
  readonly path: string;
  readonly args: readonly string[];
  readonly namespace: string;
  /** Of the container. */
  readonly id: string;
  readonly owner?: Owner | undefined;
  readonly signal?: AbortSignal | undefined;
  /** When it must be ready. */
  readonly deadlineMs: number;
}

/** Disposing waits until it has read all and ended; one that does not is terminated, and killed in the end. */
export interface LogProgram extends AsyncDisposable {
  readonly stdout: number;
  readonly stderr: number;
}

/**
 * Starts it and waits until it is ready. The reading ends stay open here as well, so that a task does not break when the program does.
 * @throws unknown when it cannot be started; deadline_exceeded when it is not ready in time. It has ended then.
 */
export async function startLogProgram(held: Descriptors, options: LogProgramOptions): Promise<LogProgram> {
  const [out, err, ready] = [holdPipe(held), holdPipe(held), holdPipe(held)];
  giveTo(out.writeEnd, options.owner);
  giveTo(err.writeEnd, options.owner);
  const child = spawn(options.path, options.args, {
    stdio: ["ignore", "ignore", "ignore", out.readEnd, err.readEnd, ready.writeEnd],
    env: { CONTAINER_ID: options.id, CONTAINER_NAMESPACE: options.namespace },
  });
  held.close(ready.writeEnd);
  const program = new RunningProgram(child, out.writeEnd, err.writeEnd);
  try {
    await once(child, "spawn");
  } catch (error) {
    throw unknownError(`failed to start binary process: fork/exec ${options.path}: ${systemReason(error)}`, error);
  }
  try {
    await untilReady(held.release(ready.readEnd), options);
  } catch (error) {
    await program.end(0);
    throw error;
  }
  return program;
}

function holdPipe(held: Descriptors): { readonly readEnd: number; readonly writeEnd: number } {
  const { readEnd, writeEnd } = makePipe();
  return { readEnd: held.keep(readEnd), writeEnd: held.keep(writeEnd) };
}

async function untilReady(fd: number, { signal, deadlineMs }: LogProgramOptions): Promise<void> {
  const socket = new Socket({ fd, readable: true, writable: false });
  const timeout = AbortSignal.timeout(Math.max(0, deadlineMs - Date.now()));
  try {
    const either = { signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]) };
    await Promise.race([once(socket, "data", either), once(socket, "end", either)]);
  } catch (error) {
    signal?.throwIfAborted();
    if (!timeout.aborted) throw error;
    throw new ContainerdError("deadline_exceeded", "failed to read from logging binary: context deadline exceeded", {
      cause: error,
    });
  } finally {
    socket.destroy();
  }
}

class RunningProgram implements LogProgram {
  readonly stdout: number;
  readonly stderr: number;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(child: ChildProcess, stdout: number, stderr: number) {
    this.#child = child;
    this.stdout = stdout;
    this.stderr = stderr;
    this.#ended = new Promise((resolve) => {
      child.once("exit", resolve);
      child.once("error", resolve);
    });
  }

  async end(drainMs: number): Promise<void> {
    if (await this.#endsWithin(drainMs)) return;
    this.#child.kill("SIGTERM");
    if (await this.#endsWithin(TERMINATE_MS)) return;
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  async #endsWithin(timeMs: number): Promise<boolean> {
    const timer = new AbortController();
    const late = sleep(timeMs, false, { signal: timer.signal }).catch(() => false);
    try {
      return await Promise.race([this.#ended.then(() => true), late]);
    } finally {
      timer.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end(DRAIN_MS);
  }
}
