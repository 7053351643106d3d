// Carries bytes between one connection of an engine and the client's ends, no faster than they are taken.
import type { Duplex, Writable } from "node:stream";
import type { Logger } from "../../../api/core/log.js";
import type { ClientStreams } from "./client-streams.js";
import { FrameReader, type Piece } from "./frames.js";

/** How often a process is looked at whose output is not taken. */
const LOOK_MS = 1_000;
/** What is held for a reader who does not read after the end of the process: more than an engine has of it. */
const MAX_AHEAD_BYTES = 8 * 1024 * 1024;

export interface PumpOptions {
  readonly isTerminal: boolean;
  /** Whether the process has exited, or may have: nothing is known. Never rejects. */
  readonly isOver: () => Promise<boolean>;
  readonly log: Logger;
}

type Ends = Pick<ClientStreams, "stdin" | "stdout" | "stderr">;

/** One for all connections of a process, one after another. */
export class Pump {
  readonly #ends: Ends;
  readonly #isTerminal: boolean;
  readonly #isOver: () => Promise<boolean>;
  readonly #log: Logger;
  #readBytes = 0;
  /** Reads on although the reader does not. */
  #isAhead = false;

  constructor(ends: Ends, { isTerminal, isOver, log }: PumpOptions) {
    this.#ends = ends;
    this.#isTerminal = isTerminal;
    this.#isOver = isOver;
    this.#log = log;
  }

  /** Another text whenever something has moved towards the client. */
  position(): string {
    return [this.#readBytes, this.#ends.stdout.writableLength, this.#ends.stderr.writableLength].join();
  }

  /** Until the connection ends, breaks off, or the signal comes; it is closed then. Never rejects. */
  async run(engine: Duplex, signal: AbortSignal): Promise<void> {
    const stop = (): void => void engine.destroy();
    signal.addEventListener("abort", stop, { once: true });
    engine.on("error", () => {});
    this.#typeInto(engine);
    try {
      if (signal.aborted) return;
      const frames = this.#isTerminal ? undefined : new FrameReader();
      for await (const chunk of engine as AsyncIterable<Buffer>) {
        this.#readBytes += chunk.length;
        const pieces: Iterable<Piece> = frames?.read(chunk) ?? [{ kind: "stdout", data: chunk }];
        for (const piece of pieces) await this.#deliver(piece);
      }
    } catch (err) {
      if (!signal.aborted) this.#log.debug({ err }, "the stream of a docker engine broke off");
    } finally {
      signal.removeEventListener("abort", stop);
      this.#ends.stdin?.unpipe(engine);
      engine.destroy();
    }
  }

  /** A terminal has no end of its input: at the engine it would end the output as well. */
  #typeInto(engine: Duplex): void {
    const { stdin } = this.#ends;
    if (stdin === undefined) return;
    if (!stdin.readableEnded) stdin.pipe(engine, { end: !this.#isTerminal });
    else if (!this.#isTerminal) engine.end();
  }

  async #deliver({ kind, data }: Piece): Promise<void> {
    if (kind === "stdout") await this.#write(this.#ends.stdout, data);
    else if (kind === "stderr") await this.#write(this.#ends.stderr, data);
    else if (kind === "system")
      this.#log.warn({ said: data.toString() }, "the docker engine says something of its own");
  }

  /** Resolves when there is room for more. What nobody wants is dropped. */
  async #write(stream: Writable, data: Buffer): Promise<void> {
    if (stream.destroyed) return;
    if (stream.write(data)) {
      const { stdout, stderr } = this.#ends;
      if (!stdout.writableNeedDrain && !stderr.writableNeedDrain) this.#isAhead = false;
      return;
    }
    while (!stream.destroyed && stream.writableNeedDrain) {
      const isShort = stream.writableLength < MAX_AHEAD_BYTES;
      if (isShort && this.#isAhead) return;
      if (await hasRoom(stream, LOOK_MS)) return;
      // An engine whose output nobody takes cannot even tell that the process has exited.
      this.#isAhead = isShort && (await this.#isOver());
    }
  }
}

/** Resolves when there is room again or it is closed; false after `timeoutMs`. */
async function hasRoom(stream: Writable, timeoutMs: number): Promise<boolean> {
  return await new Promise<boolean>((resolve) => {
    const settle = (answer: boolean): void => {
      clearTimeout(timer);
      stream.off("drain", go);
      stream.off("close", go);
      resolve(answer);
    };
    const go = (): void => settle(true);
    const timer = setTimeout(() => settle(false), timeoutMs);
    stream.once("drain", go);
    stream.once("close", go);
  });
}
