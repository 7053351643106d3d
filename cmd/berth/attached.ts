// A process that runs, with this program standing in for it: streams, terminal, signals, until it ends or is left to itself.
import { once } from "node:events";
import type { Client } from "../../api/client/connect.js";
import { type Copy, type CopyOptions, copyStreams } from "../../api/client/io/copy.js";
import type { FifoEnds } from "../../api/client/io/fifo-ends.js";
import { removeFifos } from "../../api/client/io/fifos.js";
import { persist } from "../../api/client/run/persist.js";
import { deleteProcess } from "../../api/client/run/remove.js";
import type { RequestContext } from "../../api/core/context.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { isNotFound } from "../../api/core/errors.js";
import type { ProcessExit, Stdio } from "../../api/core/task.js";
import { typing } from "./detach-keys.js";
import { SIGPIPE_STATUS } from "./exit-status.js";
import type { Output } from "./output.js";
import { writePidFile } from "./pid-file.js";
import { type SignalTarget, signalNumber } from "./signals.js";
import { followSize, rawMode, terminalSize } from "./terminal.js";
import { TerminalModes } from "./terminal-modes.js";

/** A process may leave its output open to a child that outlives it; that long without a word ends the waiting. */
const IDLE_AFTER_EXIT_MS = 10_000;
/** One that had ended before has said all that it will; its pipes may have nobody left to end them. */
const IDLE_AFTER_FORMER_EXIT_MS = 250;
/** A process whose reader has gone is told by SIGPIPE, and by SIGKILL if it does not listen, as init of a container may not. */
const SIGPIPE_GRACE_MS = 1_000;

export interface SessionEnd {
  /** Of the process; 0 when it was left. */
  readonly status: number;
  /** It goes on: by the keys that detach, or since that was asked for. */
  readonly isLeft: boolean;
}

export const LEFT: SessionEnd = { status: 0, isLeft: true };

/** Which process, and what it is to have of ours. */
export interface AttachOptions {
  readonly client: Client;
  readonly request: RequestContext;
  readonly output: Output;
  readonly id: string;
  /** "" for the task itself. */
  readonly execId: string;
  /** The bytes that, typed at its terminal, leave it running behind. Default: none. */
  readonly detachKeys?: Uint8Array;
}

interface AttachedOptions extends AttachOptions {
  readonly terminal: boolean;
  /** It ended before anybody came. Default: no. */
  readonly hasEnded?: boolean;
  readonly pidFile?: string | undefined;
}

export class Attached {
  readonly #options: AttachedOptions;
  readonly #request: RequestContext;
  readonly #stdio: Stdio;
  readonly #ends: FifoEnds | undefined;
  readonly #signals: SignalTarget;
  readonly #modes = new TerminalModes();
  /** The process has ended, or is left. */
  #isOver = false;

  constructor(
    options: AttachedOptions,
    request: RequestContext,
    stdio: Stdio,
    ends: FifoEnds | undefined,
    signals: SignalTarget,
  ) {
    this.#options = options;
    this.#request = request;
    this.#stdio = stdio;
    this.#ends = ends;
    this.#signals = signals;
  }

  /** Starts the process and stays with it. */
  async run(): Promise<SessionEnd> {
    const { client, id, execId } = this.#options;
    // Wait leaves first: the process may be over before start has answered.
    const exited = this.#wait();
    exited.catch(() => undefined);
    const { pid } = await client.tasks.start(this.#request, id, execId);
    await writePidFile(this.#options.pidFile, pid);
    return await this.#stay(exited, {
      onInputEnd: () =>
        this.#tell(persist(client, () => client.tasks.closeIO(this.#request, id, execId, { stdin: true }))),
      onOutputLost: () => {
        this.#kill(signalNumber("SIGPIPE"));
        setTimeout(() => this.#kill(signalNumber("SIGKILL")), SIGPIPE_GRACE_MS).unref();
      },
    });
  }

  /** Stays with a process that runs already, as a guest: when our input ends its stays open, when our output is lost it goes on. */
  async join(): Promise<SessionEnd> {
    if (this.#options.terminal) await this.#askToRedraw();
    return await new Promise<SessionEnd>((resolve, reject) => {
      const onOutputLost = (): void => resolve({ status: SIGPIPE_STATUS, isLeft: true });
      this.#stay(this.#wait(), { onInputEnd: () => {}, onOutputLost }).then(resolve, reject);
    });
  }

  /** What is drawn on a terminal is drawn again when its size changes, and somebody who comes back may have the same as before. */
  async #askToRedraw(): Promise<void> {
    const size = terminalSize();
    if (size === undefined) return;
    const { client, id, execId } = this.#options;
    // Whatever is wrong, the next one tells.
    await client.tasks
      .resizePty(this.#request, id, execId, { ...size, height: size.height + 1 })
      .catch(() => undefined);
  }

  async #stay(exited: Promise<ProcessExit>, copyOptions: CopyOptions): Promise<SessionEnd> {
    const end = await this.#copyUntilEnd(exited, copyOptions);
    if (end.isLeft) this.#farewell();
    return end;
  }

  async #copyUntilEnd(exited: Promise<ProcessExit>, copyOptions: CopyOptions): Promise<SessionEnd> {
    const { client, id, execId, terminal } = this.#options;
    await using guards = new DisposeScope();
    this.#signals.forwardTo((signal) => this.#kill(signalNumber(signal)));
    if (terminal) {
      guards.use(rawMode());
      guards.use(followSize((size) => this.#tell(client.tasks.resizePty(this.#request, id, execId, size))));
    }
    const left = new AbortController();
    const copy = this.#startCopy(guards, copyOptions, () => left.abort());
    const exit = await Promise.race([exited, once(left.signal, "abort")]);
    copy?.stopInput();
    this.#isOver = true;
    if (Array.isArray(exit)) return LEFT;
    await copy?.drain(this.#options.hasEnded === true ? IDLE_AFTER_FORMER_EXIT_MS : IDLE_AFTER_EXIT_MS);
    await Promise.all([this.#delete(), removeFifos(this.#stdio)]);
    return { status: exit.exitStatus, isLeft: false };
  }

  #startCopy(guards: DisposeScope, copyOptions: CopyOptions, onDetach: () => void): Copy | undefined {
    if (this.#ends === undefined) return undefined;
    this.#options.output.handOver();
    this.#ends.release();
    const { stdin, stdout, stderr } = process;
    // Whatever does not come from a terminal may be any bytes.
    const { terminal, detachKeys = new Uint8Array() } = this.#options;
    const typed = terminal && stdin.isTTY ? guards.use(typing(detachKeys, onDetach)) : undefined;
    const streams = this.#ends.streams();
    if (typed !== undefined) streams.stdout?.on("data", (chunk: Uint8Array) => this.#modes.take(chunk));
    return copyStreams(streams, { stdin: typed?.keys ?? stdin, stdout, stderr }, copyOptions);
  }

  /** Below whatever line the process has left the cursor in. */
  #farewell(): void {
    const { output, request, id, execId } = this.#options;
    const namespace = request.namespace === undefined ? "" : ` -n ${request.namespace}`;
    const exec = execId === "" ? "" : ` --exec-id ${execId}`;
    process.stderr.write(`${this.#modes.undo()}\n`);
    output.warn(`detached from ${id}, which goes on; to be back: berth${namespace} attach${exec} ${id}`);
  }

  async #wait(): Promise<ProcessExit> {
    const { client, id, execId } = this.#options;
    return await persist(client, () => client.tasks.wait(this.#request, id, execId));
  }

  async #delete(): Promise<void> {
    const { client, id, execId } = this.#options;
    const { tasks } = client;
    try {
      await persist(client, () => deleteProcess(tasks, this.#request, id, execId));
    } catch (error) {
      // It has ended: what is not stopped is the next one, which somebody has started since.
      const now = await tasks.get(this.#request, id, execId).catch(() => undefined);
      if (now === undefined || now.status === "stopped") throw error;
    }
  }

  #kill(signal: number): void {
    const { client, id, execId } = this.#options;
    this.#tell(persist(client, () => client.tasks.kill(this.#request, id, execId, { signal, all: false })));
  }

  /** Sends something whose failure only matters while the process is there. */
  #tell(call: Promise<void>): void {
    call.catch((error: unknown) => {
      if (!this.#isOver && !isNotFound(error))
        this.#options.output.warn(error instanceof Error ? error.message : String(error));
    });
  }
}
