// A Docker engine as the bridge takes it: the streams of a container or an exec, with the connections that follow one that broke off.
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { type ContainerdError, errorKind, errorOf, isUnavailable } from "../../../api/core/errors.js";
import type { Ahead, Connection, OpenSource, Piece, Source, SourceDeps, SourceStatus } from "../../bridge/source.js";
import { FrameReader } from "./frames.js";
import { type Target, targetOf } from "./target.js";

const LOOK_MS = 100;
/** For an engine that has something to say of a process. */
const ANSWER_TIMEOUT_MS = 2_000;
/** An engine may end a stream that long before it takes note of the exit. */
const NOTE_MS = 1_000;
/** Between looks at an engine that is away. */
const SHORTEST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
/** What is held for a reader who does not read after the end of the process: more than an engine has of it. */
const MAX_AHEAD_BYTES = 8 * 1024 * 1024;

/** Opens the first connection: whatever is wrong with it is told at once. */
export const openDockerSource: OpenSource = async (request, deps, signal) => {
  const target = targetOf(request);
  const first = request.again ? await openAgain(target, signal) : await target.open(signal);
  return new DockerSource(target, first, request.stdio.terminal, deps);
};

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

class DockerSource implements Source {
  readonly hasInputEnd: boolean;
  readonly #target: Target;
  readonly #first: Duplex | "later" | undefined;
  readonly #deps: SourceDeps;
  #isLost = false;

  /** `first` is undefined when the process has exited. */
  constructor(target: Target, first: Duplex | "later" | undefined, isTerminal: boolean, deps: SourceDeps) {
    this.#target = target;
    this.#first = first;
    this.#deps = deps;
    // At the engine the end of a terminal's input would end its output as well.
    this.hasInputEnd = !isTerminal;
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  async *connections(signal: AbortSignal): AsyncGenerator<Connection> {
    const first = this.#first === "later" ? await this.#next(signal) : this.#first;
    for (let engine = first; engine !== undefined; engine = await this.#next(signal)) yield this.#connection(engine);
  }

  /** An engine whose output nobody takes cannot even tell that the process has exited. */
  async ahead(signal: AbortSignal): Promise<Ahead> {
    return { bytes: (await this.#mayBeOver(signal)) ? MAX_AHEAD_BYTES : 0, beyond: "wait" };
  }

  status(signal: AbortSignal): Promise<SourceStatus> {
    return this.#target.status(signal);
  }

  kill(): Promise<void> {
    return Promise.reject(elsewhere());
  }

  resize(): Promise<void> {
    return Promise.reject(elsewhere());
  }

  exit(): Promise<never> {
    return Promise.reject(elsewhere());
  }

  close(): void {
    if (this.#first instanceof Object) this.#first.destroy();
  }

  #connection(engine: Duplex): Connection {
    // Whoever reads it is told.
    engine.on("error", () => {});
    const frames = this.hasInputEnd ? new FrameReader() : undefined;
    async function* pieces(): AsyncGenerator<Piece> {
      for await (const chunk of engine as AsyncIterable<Buffer>) {
        if (frames === undefined) yield { kind: "stdout", data: chunk };
        else yield* frames.read(chunk);
      }
    }
    return { outputs: [pieces()], input: engine, destroy: () => void engine.destroy() };
  }

  /**
   * Docker deals with an exit only when its readers have taken what they were being given, and answers nobody about the container
   * meanwhile: no answer means as much.
   */
  async #mayBeOver(signal: AbortSignal): Promise<boolean> {
    try {
      const either = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
      return (await this.#target.status(either)) === "exited";
    } catch (error) {
      return errorKind(error) === "deadline_exceeded";
    }
  }

  /** The stream has ended or broken off. @returns a new one; undefined when there is nothing more to come. */
  async #next(signal: AbortSignal): Promise<Duplex | undefined> {
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
        this.#isLost = !this.#deps.isPatient(performance.now() - awaySince);
        if (this.#isLost) return undefined;
        if (pauseMs === SHORTEST_PAUSE_MS) this.#deps.log.info({ err }, "a stream waits for its docker engine");
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

/** Docker tells it to whoever asks its API. */
const elsewhere = (): ContainerdError => errorOf("not_implemented", "docker bridge: signals, sizes and exits");
