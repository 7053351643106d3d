// All logs that are being written, by their keys: what the log process serves.
import { type ContainerdError, errorOf, notImplemented } from "../../api/core/errors.js";
import type { StreamExit, StreamRequest } from "../bridge/protocol.js";
import type { StreamTable } from "../bridge/streams.js";
import type { TaskStreamDeps } from "../bridge/task-stream.js";
import { Epoll } from "../sys/epoll.js";
import { LogStream } from "./log-stream.js";
import { logTargetSchema } from "./target.js";

interface Entry {
  readonly opening: Promise<LogStream>;
  readonly stop: AbortController;
  stream: LogStream | undefined;
}

/** Disposing lets go of all; whoever opens them again goes on. */
export class LogStreams implements StreamTable {
  readonly #entries = new Map<string, Entry>();
  readonly #epoll = new Epoll();
  readonly #deps: TaskStreamDeps;
  readonly #onEnd: () => void;

  constructor(deps: TaskStreamDeps, onEnd: () => void) {
    this.#deps = deps;
    this.#onEnd = onEnd;
  }

  get active(): number {
    return [...this.#entries.values()].filter(({ stream }) => stream?.hasEnded !== true).length;
  }

  keys(): string[] {
    return [...this.#entries.keys()];
  }

  /** @throws what {@link LogStream.open} throws; invalid_argument for another daemon's words. */
  async open(request: StreamRequest, signal: AbortSignal): Promise<void> {
    const { key } = request;
    const target = logTargetSchema.safeParse(request.target);
    if (!target.success) throw errorOf("invalid_argument", `log ${key}: ${target.error.message}`);
    const known = this.#entries.get(key);
    if (known !== undefined) {
      await known.opening;
      return;
    }
    const stop = new AbortController();
    const deps = { epoll: this.#epoll, log: this.#deps.log.child({ key }), onEnd: this.#onEnd };
    const opening = LogStream.open(request, target.data, deps, AbortSignal.any([signal, stop.signal]));
    const entry: Entry = { opening, stop, stream: undefined };
    this.#entries.set(key, entry);
    try {
      entry.stream = await opening;
    } catch (error) {
      this.#forget(key, entry);
      throw error;
    }
  }

  /** Resolves when all that the task wrote stands in its log. */
  async finish(key: string): Promise<void> {
    (await this.#opened(key))?.finish();
    this.#onEnd();
  }

  /** Resolves when all outputs have come to their end. @throws not_found; cancelled. */
  async exit(key: string, signal: AbortSignal): Promise<StreamExit> {
    const stream = await this.#opened(key);
    if (stream === undefined) throw errorOf("not_found", `log ${key}`);
    await stream.ended(signal);
    return { exitStatus: 0, exitedAtNs: 0n };
  }

  async release(key: string): Promise<void> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.stop.abort();
    const stream = await entry.opening.catch(() => undefined);
    stream?.[Symbol.dispose]();
    this.#forget(key, entry);
  }

  async closeStdin(): Promise<void> {}

  async kill(): Promise<void> {
    throw isNoProcess();
  }

  async resize(): Promise<void> {
    throw isNoProcess();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.keys().map((key) => this.release(key)));
    await this.#epoll[Symbol.asyncDispose]();
  }

  async #opened(key: string): Promise<LogStream | undefined> {
    return await this.#entries.get(key)?.opening.catch(() => undefined);
  }

  #forget(key: string, entry: Entry): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
    this.#onEnd();
  }
}

const isNoProcess = (): ContainerdError => notImplemented("a log is no process, so this");
