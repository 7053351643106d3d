// One process's stdio on its way between an engine and a client, from its opening to its end; over several connections when the
// engine goes away and comes back.
import { setTimeout as sleep } from "node:timers/promises";
import { type ClientStreams, openClientStreams } from "./client-streams.js";
import type { StreamExit, StreamRequest } from "./protocol.js";
import { Pump } from "./pump.js";
import type { OpenSource, Size, Source, SourceDeps } from "./source.js";

/** How long a reader may have output before it and not take it, when the process has exited. */
const STALL_MS = 2_000;
const LOOK_MS = 100;

export type TaskStreamDeps = SourceDeps;

/** Opens both sides. @throws what either side says; nothing stays open then, and an exec has not started. */
export async function openTaskStream(
  request: StreamRequest,
  openSource: OpenSource,
  deps: TaskStreamDeps,
  signal: AbortSignal,
): Promise<TaskStream> {
  const { namespace, container: id, again } = request;
  const client = await openClientStreams(request.stdio, { namespace, id, again, signal });
  try {
    return new TaskStream(client, await openSource(request, deps, signal), deps);
  } catch (error) {
    await client[Symbol.asyncDispose]();
    throw error;
  }
}

/** Disposing closes all and resolves when it is closed, a log program's end included. */
export class TaskStream implements AsyncDisposable {
  /** The process has exited, and all its output has arrived or been given up. Never rejects. */
  readonly ended: Promise<void>;
  readonly #source: Source;
  readonly #client: ClientStreams;
  readonly #pump: Pump;
  readonly #cut = new AbortController();
  #hasEnded = false;

  constructor(client: ClientStreams, source: Source, { log }: TaskStreamDeps) {
    this.#source = source;
    this.#client = client;
    const ahead = () => source.ahead(this.#cut.signal);
    this.#pump = new Pump(client, { hasInputEnd: source.hasInputEnd, ahead, log });
    this.ended = this.#run().finally(() => {
      this.#hasEnded = true;
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** It ended because its engine was away for too long: the process may go on, and be opened once more. */
  get isLost(): boolean {
    return this.#source.isLost;
  }

  closeStdin(): void {
    this.#client.closeStdin();
  }

  /** @throws not_found when the process has ended; not_implemented. */
  kill(signal: number): Promise<void> {
    return this.#source.kill(signal);
  }

  /** @throws as {@link TaskStream.kill}. */
  resize(size: Size): Promise<void> {
    return this.#source.resize(size);
  }

  /** @throws not_found where nobody knows; cancelled. */
  exit(signal: AbortSignal): Promise<StreamExit> {
    return this.#source.exit(signal);
  }

  /**
   * The process has exited, says somebody who was told: resolves when its output has arrived. Readers that have gone or do not read
   * are not waited for.
   */
  async finish(signal: AbortSignal): Promise<void> {
    const status = await this.#source.status(signal).catch(() => "exited" as const);
    // It has never run, and its stream has no end.
    if (status === "created") this.#giveUp();
    const isOver = status !== "running";
    if (isOver) this.#client.letReadersGo();
    let stalledSince = performance.now();
    for (let last = this.#pump.position(); !this.#hasEnded; ) {
      await Promise.race([this.ended, sleep(LOOK_MS, undefined, { signal })]);
      const position = this.#pump.position();
      if (position !== last) stalledSince = performance.now();
      last = position;
      if (isOver && performance.now() - stalledSince >= STALL_MS) this.#giveUp();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#giveUp();
    await this.ended;
    await this.#client[Symbol.asyncDispose]();
    this.#source.close();
  }

  #giveUp(): void {
    this.#cut.abort();
    this.#client.cut();
  }

  async #run(): Promise<void> {
    const { signal } = this.#cut;
    for await (const connection of this.#source.connections(signal)) await this.#pump.run(connection, signal);
    await this.#client.end();
  }
}
