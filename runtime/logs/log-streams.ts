// All logs that are being written, by their keys: what the log process serves.
import { type ContainerdError, errorOf, notImplemented } from "../../api/core/errors.js";
import type { StreamExit, StreamRequest } from "../bridge/protocol.js";
import { StreamEntries } from "../bridge/stream-entries.js";
import type { StreamTable } from "../bridge/streams.js";
import type { TaskStreamDeps } from "../bridge/task-stream.js";
import { Epoll } from "../sys/epoll.js";
import { LogStream } from "./log-stream.js";
import { logTargetSchema } from "./target.js";

/** Disposing lets go of all; whoever opens them again goes on. */
export class LogStreams implements StreamTable {
  readonly #entries: StreamEntries<LogStream>;
  readonly #epoll = new Epoll();
  readonly #deps: TaskStreamDeps;
  readonly #onEnd: () => void;

  constructor(deps: TaskStreamDeps, onEnd: () => void) {
    this.#entries = new StreamEntries(onEnd);
    this.#deps = deps;
    this.#onEnd = onEnd;
  }

  get active(): number {
    return this.#entries.active;
  }

  keys(): string[] {
    return this.#entries.keys();
  }

  /** @throws what {@link LogStream.open} throws; invalid_argument for another daemon's words. */
  async open(request: StreamRequest, signal: AbortSignal): Promise<void> {
    const { key } = request;
    const target = logTargetSchema.safeParse(request.target);
    if (!target.success) throw errorOf("invalid_argument", `log ${key}: ${target.error.message}`);
    const deps = { epoll: this.#epoll, log: this.#deps.log.child({ key }), onEnd: this.#onEnd };
    await this.#entries.open(key, signal, (stop) => LogStream.open(request, target.data, deps, stop));
  }

  /** Resolves when all that the task wrote stands in its log. */
  async finish(key: string): Promise<void> {
    (await this.#entries.get(key))?.finish();
    this.#onEnd();
  }

  /** Resolves when all outputs have come to their end. @throws not_found; cancelled. */
  async exit(key: string, signal: AbortSignal): Promise<StreamExit> {
    const stream = await this.#entries.get(key);
    if (stream === undefined) throw errorOf("not_found", `log ${key}`);
    await stream.ended(signal);
    return { exitStatus: 0, exitedAtNs: 0n };
  }

  async release(key: string): Promise<void> {
    await this.#entries.release(key);
  }

  async closeStdin(): Promise<void> {}

  async kill(): Promise<void> {
    throw isNoProcess();
  }

  async resize(): Promise<void> {
    throw isNoProcess();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#entries[Symbol.asyncDispose]();
    await this.#epoll[Symbol.asyncDispose]();
  }
}

const isNoProcess = (): ContainerdError => notImplemented("a log is no process, so this");
