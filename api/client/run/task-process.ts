// A process of a task, its first one or one added by exec, as an object with verbs: streams, wait, kill, resize, output.
import { Readable, Writable } from "node:stream";
import type { ReadableStream, WritableStream } from "node:stream/web";
import type { RequestContext } from "../../core/context.js";
import { isNotFound } from "../../core/errors.js";
import type { ProcessState, Tasks } from "../../core/task.js";
import { abortError } from "../errors.js";
import type { TerminalSize } from "./options.js";
import { collect, type OutputOptions, type ProcessOutput } from "./output.js";
import { persist, type Reachable } from "./persist.js";
import type { ProcessResult } from "./process-result.js";
import type { ProcessStdio } from "./process-stdio.js";
import { signalNumber } from "./signal-number.js";

/** The same streams in the web's form. Take one form of a stream: both read from the same place. */
export interface WebStreams {
  readonly stdin: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
}

export interface ProcessDeps extends Reachable {
  readonly tasks: Tasks;
}

export interface ProcessProps {
  readonly id: string;
  readonly execId: string;
  readonly pid: number;
  readonly namespace: string | undefined;
  readonly stdio: ProcessStdio;
  /** Somebody else made it: nothing of it is removed here unless asked for. */
  readonly isGuest: boolean;
  /** Removes it and what was made for it, once or again. */
  readonly remove?: (() => Promise<void>) | undefined;
  /** Keep it when it has ended. */
  readonly isKept?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  /** Asked for before the process was started. */
  readonly exited?: Promise<Exited> | undefined;
}

type Exited = { readonly exitStatus: number; readonly exitedAtNs: bigint | undefined };

/** A process of a task: its first one as `Task`, or one that `Task.exec` added. Dispose it to end and remove what `run` or `exec` made. */
export class TaskProcess implements AsyncDisposable {
  /** The container's, and so the task's. */
  readonly id: string;
  /** Which process of the task; "" for its first. */
  readonly execId: string;
  /** On the host. */
  readonly pid: number;
  protected readonly deps: ProcessDeps;
  protected readonly props: ProcessProps;
  #ended: Promise<ProcessResult> | undefined;
  #web: WebStreams | undefined;
  #timedOut = false;
  #hasEnded = false;

  /** @internal Made by run(), exec() and task(). */
  constructor(deps: ProcessDeps, props: ProcessProps) {
    this.deps = deps;
    this.props = props;
    this.id = props.id;
    this.execId = props.execId;
    this.pid = props.pid;
    props.stdio.onInputEnd(async () => {
      const { id, execId } = this;
      const closed = this.persist((ctx) => deps.tasks.closeIO(ctx, id, execId, { stdin: true }));
      // A process that is gone reads no more anyway.
      await closed.catch(() => undefined);
    });
    // A guest may never care for the end; who made the process is to clean up after it.
    if (!props.isGuest) void this.#follow();
  }

  /** What it reads. `end()` is the end of its input, except on a terminal: write `"\x04"` there. With none, writes fail. */
  get stdin(): Writable {
    return this.props.stdio.stdin;
  }

  /**
   * What it writes, which waits in a pipe until it is read: a process whose output nobody reads stands still once the pipe is full.
   * Destroying the stream (leaving a loop over it does) throws the rest away and lets the process go on. It has ended at once where
   * there is no pipe.
   */
  get stdout(): Readable {
    return this.props.stdio.stdout;
  }

  /** As stdout. Nothing with a terminal. */
  get stderr(): Readable {
    return this.props.stdio.stderr;
  }

  /** The three as web streams. */
  get web(): WebStreams {
    this.#web ??= {
      stdin: Writable.toWeb(this.stdin),
      stdout: Readable.toWeb(this.stdout) as ReadableStream<Uint8Array>, // chunks of a byte stream
      stderr: Readable.toWeb(this.stderr) as ReadableStream<Uint8Array>,
    };
    return this.#web;
  }

  /**
   * Resolves when the process has exited, all it wrote is here (also unread) and, where run() or exec() remove it, nothing of it
   * is left with the daemon. Goes on through a restart of the daemon.
   * @param options.signal ends this waiting and nothing else.
   * @throws cancelled (deadline_exceeded) after an abort of the signal that the process was made with; not_found when it was removed
   * by somebody else; unavailable when the daemon is away for good.
   */
  async wait(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<ProcessResult> {
    const { signal } = options;
    if (signal?.aborted === true) throw abortError(signal);
    const ended = this.#follow();
    if (signal === undefined) return await ended;
    return await new Promise<ProcessResult>((resolve, reject) => {
      const onAbort = (): void => reject(abortError(signal));
      signal.addEventListener("abort", onAbort, { once: true });
      ended.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
    });
  }

  /**
   * Waits and collects what the process writes. Its input is `input`, or ends at once.
   * @throws as {@link wait}; `options.signal` ends the waiting only.
   */
  async output(options: OutputOptions & { readonly encoding: "buffer" }): Promise<ProcessOutput<Buffer>>;
  /** The same, as strings. @throws as {@link wait}. */
  async output(options?: OutputOptions): Promise<ProcessOutput<string>>;
  async output(options: OutputOptions = {}): Promise<ProcessOutput<Buffer | string>> {
    const collected = collect(this, options);
    const result = await this.wait({ signal: options.signal });
    return { ...result, ...(await collected) };
  }

  /**
   * Sends a signal, by name or number. Default: SIGTERM.
   * @param options.all to every process of the task. Default: false.
   * @throws not_found when the process has exited, invalid_argument for what is no signal.
   */
  async kill(
    signal: NodeJS.Signals | number | string = "SIGTERM",
    options: { readonly all?: boolean } = {},
  ): Promise<void> {
    const { all = false } = options;
    const number = signalNumber(signal);
    await this.persist((ctx) => this.deps.tasks.kill(ctx, this.id, this.execId, { signal: number, all }));
  }

  /** Tells its terminal how large it is. */
  async resize({ columns, rows }: TerminalSize): Promise<void> {
    const size = { width: columns, height: rows };
    await this.persist((ctx) => this.deps.tasks.resizePty(ctx, this.id, this.execId, size));
  }

  /** What the daemon knows of it. @throws not_found once it has been removed. */
  async state(): Promise<ProcessState> {
    return await this.persist((ctx) => this.deps.tasks.get(ctx, this.id, this.execId));
  }

  /** Ends and removes what run() or exec() made, and waits for that; of a process that was found, only its streams are closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.props.isGuest) {
      await this.end();
      await this.props.remove?.();
    }
    this.props.stdio[Symbol.dispose]();
  }

  /** The context of every call. */
  protected get request(): RequestContext {
    return { namespace: this.props.namespace };
  }

  protected async persist<T>(call: (ctx: RequestContext) => Promise<T>): Promise<T> {
    return await persist(this.deps, () => call(this.request));
  }

  /** Kills it unless it has ended, and waits for its end. */
  protected async end(): Promise<void> {
    this.props.stdio.discard();
    if (!this.#hasEnded) await this.#killHard();
    await this.#follow().catch(() => undefined);
  }

  async #killHard(): Promise<void> {
    await this.kill("SIGKILL", { all: this.execId === "" }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }

  #follow(): Promise<ProcessResult> {
    if (this.#ended === undefined) {
      this.#ended = this.#toTheEnd();
      // Heard by whoever waits.
      this.#ended.catch(() => undefined);
    }
    return this.#ended;
  }

  async #toTheEnd(): Promise<ProcessResult> {
    const { stdio, signal, timeoutMs, remove, isKept = false } = this.props;
    const kill = (): void => void this.#killHard().catch(() => undefined);
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            this.#timedOut = true;
            kill();
          }, timeoutMs);
    signal?.addEventListener("abort", kill, { once: true });
    try {
      const { exitStatus, exitedAtNs } = await (this.props.exited ??
        this.persist((ctx) => this.deps.tasks.wait(ctx, this.id, this.execId)));
      this.#hasEnded = true;
      clearTimeout(timer);
      if (signal?.aborted === true) stdio[Symbol.dispose]();
      else await stdio.drain();
      if (!isKept || signal?.aborted === true) await remove?.();
      if (signal?.aborted === true) throw abortError(signal);
      return { exitStatus, exitedAtNs, timedOut: this.#timedOut };
    } catch (error) {
      // Removed by somebody else, or the daemon is out of reach: no more output is to be hoped for.
      if (isNotFound(error) && !isKept) await remove?.().catch(() => undefined);
      stdio[Symbol.dispose]();
      throw error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", kill);
    }
  }
}
