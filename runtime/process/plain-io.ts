// stdio without a terminal. The process gets the client's own FIFO or file, so that nothing is copied on the way.
import { constants } from "node:fs";
import { wrapError } from "../../api/core/errors.js";
import type { Stdio } from "../../api/core/task.js";
import { type OpenEnd, openInputEnd, openOutputEnd } from "../stdio/client-ends.js";
import { Descriptors } from "../stdio/descriptors.js";
import { type LogProgram, type LogProgramOptions, startLogProgram } from "../stdio/log-program.js";
import type { ProcessIO } from "./process-io.js";

export const NULL_DEVICE = "/dev/null";

/** A process that reads nothing and whose output nobody wants. */
export function openNullIO(): ProcessIO {
  const held = new Descriptors();
  const fd = held.open(NULL_DEVICE, constants.O_RDWR);
  return new PlainIO(held, [fd, fd, fd], undefined);
}

/** @throws what {@link openOutputEnd} throws, for stderr "" and stdout "" as well: only both without stdin can be missing. */
export async function openPlainIO(stdio: Stdio, open: Omit<OpenEnd, "mode">): Promise<ProcessIO> {
  const held = new Descriptors();
  try {
    const stdin = openInput(held, stdio.stdin, open);
    const stdout = await openOutput(held, stdio.stdout, open);
    // The same path twice is opened twice: writers that append do not overwrite each other.
    const stderr = await openOutput(held, stdio.stderr, open);
    return new PlainIO(held, [stdin.fd, stdout, stderr], stdin.keep);
  } catch (error) {
    held[Symbol.dispose]();
    throw error;
  }
}

/** Output into a program of the client's choice. @throws what {@link startLogProgram} throws. */
export async function openLoggedIO(stdio: Stdio, options: LogProgramOptions): Promise<ProcessIO> {
  const held = new Descriptors();
  try {
    const stdin = openInput(held, stdio.stdin, options);
    const program = await startLogProgram(held, options).catch((error: unknown) => {
      throw wrapError("failed to create init process I/O", error);
    });
    return new PlainIO(held, [stdin.fd, program.stdout, program.stderr], stdin.keep, program);
  } catch (error) {
    held[Symbol.dispose]();
    throw error;
  }
}

async function openOutput(held: Descriptors, path: string, open: Omit<OpenEnd, "mode">): Promise<number> {
  try {
    return (await openOutputEnd(held, path, { ...open, mode: "blocking" })).fd;
  } catch (error) {
    throw wrapError("failed to start io pipe copy: unable to copy pipes", error);
  }
}

/** For a process that is given its input itself; "" is none. */
export function openInput(held: Descriptors, path: string, { owner }: Pick<OpenEnd, "owner">) {
  if (path === "") return { fd: held.open(NULL_DEVICE, constants.O_RDONLY), keep: undefined };
  return openInputEnd(held, path, { mode: "blocking", owner });
}

/** What is not among the process's own descriptors keeps FIFOs alive until the process has ended. */
export class PlainIO implements ProcessIO {
  readonly descriptors: ProcessIO["descriptors"];
  readonly terminalPath = undefined;
  readonly #held: Descriptors;
  readonly #keepStdin: number | undefined;
  readonly #program: LogProgram | undefined;

  constructor(
    held: Descriptors,
    descriptors: ProcessIO["descriptors"],
    keepStdin: number | undefined,
    program?: LogProgram,
  ) {
    this.#held = held;
    this.#program = program;
    this.descriptors = descriptors;
    this.#keepStdin = keepStdin;
  }

  handedOver(): void {
    this.#held.close(...this.descriptors);
  }

  closeStdin(): void {
    if (this.#keepStdin !== undefined) this.#held.close(this.#keepStdin);
  }

  resize(): void {
    // There is no window.
  }

  finish(): Promise<void> {
    this.#held[Symbol.dispose]();
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.finish();
    await this.#program?.[Symbol.asyncDispose]();
  }
}
