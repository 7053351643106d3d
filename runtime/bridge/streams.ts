// All streams of a bridge by their keys.
import { errorOf } from "../../api/core/errors.js";
import type { StreamExit, StreamRequest } from "./protocol.js";
import type { OpenSource, Size } from "./source.js";
import { StreamEntries } from "./stream-entries.js";
import { openTaskStream, type TaskStream, type TaskStreamDeps } from "./task-stream.js";

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
  readonly #entries: StreamEntries<TaskStream>;
  readonly #openSource: OpenSource;
  readonly #deps: TaskStreamDeps;
  readonly #onEnd: () => void;

  /** @param onEnd called when one has ended or is gone. */
  constructor(openSource: OpenSource, deps: TaskStreamDeps, onEnd: () => void) {
    this.#entries = new StreamEntries(onEnd);
    this.#openSource = openSource;
    this.#deps = deps;
    this.#onEnd = onEnd;
  }

  get active(): number {
    return this.#entries.active;
  }

  keys(): string[] {
    return this.#entries.keys();
  }

  /** @throws what {@link openTaskStream} throws. */
  async open(request: StreamRequest, signal: AbortSignal): Promise<void> {
    const { key } = request;
    const deps = { ...this.#deps, log: this.#deps.log.child({ key }) };
    const stream = await this.#entries.open(key, signal, (stop) =>
      openTaskStream(request, this.#openSource, deps, stop),
    );
    void stream?.ended.then(async () => {
      // So that it can be attached again.
      if (stream.isLost) await this.release(key);
      this.#onEnd();
    });
  }

  async closeStdin(key: string): Promise<void> {
    (await this.#entries.get(key))?.closeStdin();
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
    return await (await this.#running(key)).exit(signal);
  }

  async finish(key: string, signal: AbortSignal): Promise<void> {
    await (await this.#entries.get(key))?.finish(signal);
  }

  async release(key: string): Promise<void> {
    await this.#entries.release(key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#entries[Symbol.asyncDispose]();
  }

  async #running(key: string): Promise<TaskStream> {
    const stream = await this.#entries.get(key);
    if (stream === undefined) throw errorOf("not_found", `stream ${key}`);
    return stream;
  }
}
