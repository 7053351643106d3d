// One process's stdio on its way between an engine and a client, from its opening to its end; over several connections when the
// engine goes away and comes back.
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { errorKind, isUnavailable } from "../../../api/core/errors.js";
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
/** An engine may end a stream that long before it takes note of the exit. */
const NOTE_MS = 1_000;
/** Between looks at an engine that is away. */
const SHORTEST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

export interface TaskStreamDeps {
  readonly log: Logger;
  /** Whether an engine that is away for so many milliseconds is still waited for. */
  readonly isPatient: (awayMs: number) => boolean;
}

/** Opens both sides. @throws what either side says; nothing stays open then, and an exec has not started. */
export async function openTaskStream(
  request: StreamRequest,
  deps: TaskStreamDeps,
  signal: AbortSignal,
): Promise<TaskStream> {
  const target = targetOf(request);
  const again = request.verb === "attach" && request.again;
  const { namespace, container: id } = request;
  const client = await openClientStreams(request.stdio, { namespace, id, again, signal });
  try {
    const engine = again ? await openAgain(target, signal) : await target.open(signal);
    return new TaskStream({ ...deps, target, client, engine, isTerminal: request.stdio.terminal });
  } catch (error) {
    await client[Symbol.asyncDispose]();
    throw error;
  }
}

/** An engine that is away is waited for later: the task may go on without it. @throws as the engine answers. */
async function openAgain(target: Target, signal: AbortSignal): Promise<Duplex | "later" | undefined> {
  try {
    if ((await target.status(signal)) === "exited") return undefined;
    return await openUnlessExited(target, signal);
  } catch (error) {
    if (isUnavailable(error)) return "later";
    throw error;
  }
}

/** One that exits before it is attached has a stream without an end. @throws as the engine answers. */
async function openUnlessExited(target: Target, signal: AbortSignal): Promise<Duplex | undefined> {
  const engine = await target.open(signal);
  try {
    if ((await target.status(signal)) !== "exited") return engine;
  } catch (error) {
    engine.destroy();
    throw error;
  }
  engine.destroy();
  return undefined;
}

interface TaskStreamParts extends TaskStreamDeps {
  readonly target: Target;
  readonly client: ClientStreams;
  /** undefined: the process has exited. */
  readonly engine: Duplex | "later" | undefined;
  readonly isTerminal: boolean;
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
  readonly #isPatient: (awayMs: number) => boolean;
  #hasEnded = false;
  #isLost = false;

  constructor({ target, client, engine, isTerminal, isPatient, log }: TaskStreamParts) {
    this.#isPatient = isPatient;
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

  /** It ended because its engine was away for too long: the process may go on, and be attached once more. */
  get isLost(): boolean {
    return this.#isLost;
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

  async #run(first: Duplex | "later" | undefined): Promise<void> {
    const { signal } = this.#cut;
    for (
      let engine = first === "later" ? await this.#next() : first;
      engine !== undefined;
      engine = await this.#next()
    ) {
      await this.#pump.run(engine, signal);
    }
    await this.#client.end();
  }

  /** The stream has ended or broken off. @returns a new one; undefined when there is nothing more to come. */
  async #next(): Promise<Duplex | undefined> {
    const { signal } = this.#cut;
    let awaySince: number | undefined;
    for (let pauseMs = SHORTEST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        if ((await this.#target.status(signal)) === "exited") return undefined;
        if (!this.#target.isReopenable) return undefined;
        if (awaySince !== undefined) await sleep(pauseMs, undefined, { signal });
        else if (await this.#exitsSoon(signal)) return undefined;
        return await openUnlessExited(this.#target, signal);
      } catch (err) {
        if (signal.aborted) return undefined;
        awaySince ??= performance.now();
        this.#isLost = !this.#isPatient(performance.now() - awaySince);
        if (this.#isLost) return undefined;
        if (pauseMs === SHORTEST_PAUSE_MS) this.#log.info({ err }, "a stream waits for its docker engine");
        await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      }
    }
    return undefined;
  }

  /** Podman makes a container that has exited ready to run once more when it is attached: so be sure. @throws as `status`. */
  async #exitsSoon(signal: AbortSignal): Promise<boolean> {
    for (let waitedMs = 0; waitedMs < NOTE_MS; waitedMs += LOOK_MS) {
      await sleep(LOOK_MS, undefined, { signal });
      if ((await this.#target.status(signal)) === "exited") return true;
    }
    return false;
  }
}
