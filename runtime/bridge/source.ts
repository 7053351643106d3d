// What a bridge has to know of an engine: where the bytes of one process come from, and what else can be asked of it there.
import type { Writable } from "node:stream";
import type { Logger } from "../../api/core/log.js";
import type { StreamExit, StreamRequest } from "./protocol.js";

export type SourceStatus = "created" | "running" | "exited";

/** A terminal's, in characters. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** `system` is what the engine itself has to say. */
export interface Piece {
  readonly kind: "stdin" | "stdout" | "stderr" | "system";
  readonly data: Buffer;
}

/** One connection to a process's streams. */
export interface Connection {
  /** Each is read at the pace of its readers, to its end or until it breaks off. */
  readonly outputs: readonly AsyncIterable<Piece>[];
  /** Its end is that of the process's input. An error of it is nobody's business. */
  readonly input: Writable;
  /** Nothing is typed before it resolves. Default: at once. */
  readonly inputReady?: Promise<void>;
  /** Ends all of it. */
  destroy(): void;
}

/** What is done for a reader who does not read. */
export interface Ahead {
  /** So much is held for him. */
  readonly bytes: number;
  /** What comes then waits, or is lost as it may not wait. */
  readonly beyond: "wait" | "drop";
}

export interface Source {
  /** Whether the end of the client's input is passed on. */
  readonly hasInputEnd: boolean;
  /** It was given up because its engine was away for too long: the process may go on, and be opened once more. */
  readonly isLost: boolean;
  /**
   * The connections of the process, one after another: the next is asked for when one has ended or broken off. The last was it when the
   * process has exited, the engine does not come back or the signal aborts. Never throws.
   */
  connections(signal: AbortSignal): AsyncIterable<Connection>;
  /** Asked again and again while a reader does not read. Never rejects. */
  ahead(signal: AbortSignal): Promise<Ahead>;
  /** `exited` also for what is gone for good. @throws as the engine answers; unavailable. */
  status(signal: AbortSignal): Promise<SourceStatus>;
  /** @throws not_found when the process has ended; not_implemented. */
  kill(signal: number): Promise<void>;
  /** @throws as `kill`. */
  resize(size: Size): Promise<void>;
  /** Waits for its end. @throws not_found where the engine tells it to others only; cancelled. */
  exit(signal: AbortSignal): Promise<StreamExit>;
  /** Nothing is wanted of it any more; what goes on then is the engine's business. */
  close(): void;
}

export interface SourceDeps {
  readonly log: Logger;
  /** Whether an engine that is away for so many milliseconds is still waited for. */
  readonly isPatient: (awayMs: number) => boolean;
}

/** Called when the client's ends are open. @throws invalid_argument for a target that is none; as the engine answers; unavailable. */
export type OpenSource = (request: StreamRequest, deps: SourceDeps, signal: AbortSignal) => Promise<Source>;
