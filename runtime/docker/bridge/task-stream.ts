// One process's stdio on its way between an engine and a client, from its opening to its end; over several connections when the
// engine goes away and comes back.
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { errorKind } from "../../../api/core/errors.js";
import type { Logger } from "../../../api/core/log.js";
import { type ClientStreams, openClientStreams } from "./client-streams.js";
import type { StreamRequest } from "./protocol.js";
import { Pump } from "./pump.js";
import { type Target, targetOf } from "./target.js";

/** How long a reader may have output before it and not take it, when the process has exited. */
const STALL_MS = 2_000;
const LOOK_MS = 100;
/** For an engine that has something to say of a process. */
const ANSWER_TIMEOUT_MS = 2_000;
/** Between looks at an engine that is away. */
const SHORTEST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/** Opens both sides. @throws what either side says; nothing stays open then, and an exec has not started. */
export async function openTaskStream(request: StreamRequest, log: Logger, signal: AbortSignal): Promise<TaskStream> {
  const target = targetOf(request);
  const client = await openClientStreams(request.stdio, {
    namespace: request.namespace,
    id: request.container,
    again: request.verb === "attach" && request.again,
    signal,
  });
  try {
    const engine = await target.open(signal);
    // Attached once more, it may have exited in between, and then nothing ends the stream.
    const isAgain = request.verb === "attach" && request.again;
    if (isAgain && (await target.status(signal)) === "exited") engine.destroy();
    return new TaskStream({ target, client, engine, isTerminal: request.stdio.terminal, log });
  } catch (error) {
    await client[Symbol.asyncDispose]();
    throw error;
  }
}

interface TaskStreamParts {
  readonly target: Target;
  readonly client: ClientStreams;
  readonly engine: Duplex;
  readonly isTerminal: boolean;
  readonly log: Logger;
}

/** Disposing closes all and resolves when it is closed, a log program's end included. */
export class TaskStream implements AsyncDisposable {
  /** The process has exited, and all its output has arrived or been given up. Never rejects. */
  readonly ended: Promise<void>;
  readonly #target: Target;
  readonly #client: ClientStreams;
  readonly #log: Logger;
  readonly #pump: Pump;
  readonly #cut = new AbortController();
  #hasEnded = false;

  constructor({ target, client, engine, isTerminal, log }: TaskStreamParts) {
    this.#target = target;
    this.#client = client;
    this.#log = log;
    this.#pump = new Pump(client, { isTerminal, isOver: () => this.#mayBeOver(), log });
    this.ended = this.#run(engine).finally(() => {
      this.#hasEnded = true;
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  closeStdin(): void {
    this.#client.closeStdin();
  }

  /**
   * The process has exited, says somebody who was told: resolves when its output has arrived. Readers that have gone or do not read
   * are not waited for.
   */
  async finish(signal: AbortSignal): Promise<void> {
    const status = await this.#target.status(signal).catch(() => "exited" as const);
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
  }

  /**
   * Docker deals with an exit only when its readers have taken what they were being given, and answers nobody about the container
   * meanwhile: no answer means as much.
   */
  async #mayBeOver(): Promise<boolean> {
    try {
      const signal = AbortSignal.any([this.#cut.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
      return (await this.#target.status(signal)) === "exited";
    } catch (error) {
      return errorKind(error) === "deadline_exceeded";
    }
  }

  #giveUp(): void {
    this.#cut.abort();
    this.#client.cut();
  }

  async #run(first: Duplex): Promise<void> {
    const { signal } = this.#cut;
    for (let engine: Duplex | undefined = first; engine !== undefined; engine = await this.#next()) {
      await this.#pump.run(engine, signal);
    }
    await this.#client.end();
  }

  /** The stream has ended or broken off. @returns a new one; undefined when there is nothing more to come. */
  async #next(): Promise<Duplex | undefined> {
    const { signal } = this.#cut;
    for (let pauseMs = SHORTEST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        if ((await this.#target.status(signal)) === "exited") return undefined;
        if (!this.#target.isReopenable) return undefined;
        await sleep(pauseMs, undefined, { signal });
        const engine = await this.#target.open(signal);
        // From here on its end is told by the stream's.
        if ((await this.#target.status(signal)) !== "exited") return engine;
        engine.destroy();
        return undefined;
      } catch (err) {
        if (signal.aborted) return undefined;
        if (pauseMs === SHORTEST_PAUSE_MS) this.#log.info({ err }, "a stream waits for its docker engine");
        await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      }
    }
    return undefined;
  }
}
