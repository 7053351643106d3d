// All streams of a bridge by their keys, those that are just being opened among them.
import { type ContainerdError, errorOf } from "../../api/core/errors.js";
import type { StreamExit, StreamRequest } from "./protocol.js";
import type { OpenSource, Size } from "./source.js";
import { openTaskStream, type TaskStream, type TaskStreamDeps } from "./task-stream.js";

interface Entry {
  readonly opening: Promise<TaskStream>;
  readonly stop: AbortController;
  stream: TaskStream | undefined;
}

/** What a server of streams asks of them; {@link Streams} has those of engines. */
export interface StreamTable extends AsyncDisposable {
  /** How many have something to carry still. */
  readonly active: number;
  keys(): string[];
  /** Resolves when it is open. One that is there already is taken as it is. */
  open(request: StreamRequest, signal: AbortSignal): Promise<void>;
  closeStdin(key: string): Promise<void>;
  kill(key: string, signal: number): Promise<void>;
  resize(key: string, size: Size): Promise<void>;
  exit(key: string, signal: AbortSignal): Promise<StreamExit>;
  finish(key: string, signal: AbortSignal): Promise<void>;
  release(key: string): Promise<void>;
}

/** Disposing closes all. */
export class Streams implements StreamTable {
  readonly #entries = new Map<string, Entry>();
  readonly #openSource: OpenSource;
  readonly #deps: TaskStreamDeps;
  readonly #onEnd: () => void;

  /** @param onEnd called when one has ended or is gone. */
  constructor(openSource: OpenSource, deps: TaskStreamDeps, onEnd: () => void) {
    this.#openSource = openSource;
    this.#deps = deps;
    this.#onEnd = onEnd;
  }

  /** How many have something to carry still. */
  get active(): number {
    return [...this.#entries.values()].filter(({ stream }) => stream?.hasEnded !== true).length;
  }

  keys(): string[] {
    return [...this.#entries.keys()];
  }

  /** Resolves when it is open. One that is there already is taken as it is. @throws what {@link openTaskStream} throws. */
  async open(request: StreamRequest, signal: AbortSignal): Promise<void> {
    for (let known = this.#entries.get(request.key); known !== undefined; known = this.#entries.get(request.key)) {
      signal.throwIfAborted();
      const isOpen = await known.opening.then(
        () => true,
        () => false,
      );
      if (isOpen) return;
    }
    const stop = new AbortController();
    const deps = { ...this.#deps, log: this.#deps.log.child({ key: request.key }) };
    const entry: Entry = {
      opening: openTaskStream(request, this.#openSource, deps, AbortSignal.any([signal, stop.signal])),
      stop,
      stream: undefined,
    };
    this.#entries.set(request.key, entry);
    try {
      const stream = await entry.opening;
      entry.stream = stream;
      void stream.ended.then(async () => {
        // So that it can be attached again.
        if (stream.isLost) await this.release(request.key);
        this.#onEnd();
      });
    } catch (error) {
      this.#forget(request.key, entry);
      throw error;
    }
  }

  async closeStdin(key: string): Promise<void> {
    (await this.#opened(key))?.closeStdin();
  }

  /** @throws not_found for keys that are unknown, and when the process has ended. */
  async kill(key: string, signal: number): Promise<void> {
    await (await this.#running(key)).kill(signal);
  }

  /** @throws as {@link Streams.kill}. */
  async resize(key: string, size: Size): Promise<void> {
    await (await this.#running(key)).resize(size);
  }

  /** Waits for the end of a process. @throws not_found for keys that are unknown, or for which nobody knows; cancelled. */
  async exit(key: string, signal: AbortSignal): Promise<StreamExit> {
    const stream = await this.#opened(key);
    if (stream === undefined) throw unknownKey(key);
    return await stream.exit(signal);
  }

  async finish(key: string, signal: AbortSignal): Promise<void> {
    await (await this.#opened(key))?.finish(signal);
  }

  async release(key: string): Promise<void> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.stop.abort();
    const stream = await entry.opening.catch(() => undefined);
    await stream?.[Symbol.asyncDispose]();
    this.#forget(key, entry);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.keys().map((key) => this.release(key)));
  }

  async #running(key: string): Promise<TaskStream> {
    const stream = await this.#opened(key);
    if (stream === undefined) throw unknownKey(key);
    return stream;
  }

  async #opened(key: string): Promise<TaskStream | undefined> {
    return await this.#entries.get(key)?.opening.catch(() => undefined);
  }

  #forget(key: string, entry: Entry): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
    this.#onEnd();
  }
}

const unknownKey = (key: string): ContainerdError => errorOf("not_found", `stream ${key}`);
