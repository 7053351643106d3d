// Carries bytes between one connection of an engine and the client's ends, no faster than they are taken.
import type { Duplex, Writable } from "node:stream";
import type { Logger } from "../../../api/core/log.js";
import type { ClientStreams } from "./client-streams.js";
import { FrameReader, type Piece } from "./frames.js";

export interface PumpOptions {
  readonly isTerminal: boolean;
  readonly log: Logger;
}

type Ends = Pick<ClientStreams, "stdin" | "stdout" | "stderr">;

/** One for all connections of a process, one after another. */
export class Pump {
  readonly #ends: Ends;
  readonly #isTerminal: boolean;
  readonly #log: Logger;
  #readBytes = 0;

  constructor(ends: Ends, { isTerminal, log }: PumpOptions) {
    this.#ends = ends;
    this.#isTerminal = isTerminal;
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
    if (kind === "stdout") await write(this.#ends.stdout, data);
    else if (kind === "stderr") await write(this.#ends.stderr, data);
    else if (kind === "system")
      this.#log.warn({ said: data.toString() }, "the docker engine says something of its own");
  }
}

/** Resolves when there is room for more. What nobody wants is dropped. */
async function write(stream: Writable, data: Buffer): Promise<void> {
  if (stream.destroyed || stream.write(data)) return;
  await new Promise<void>((resolve) => {
    const go = (): void => {
      stream.off("drain", go);
      stream.off("close", go);
      resolve();
    };
    stream.once("drain", go);
    stream.once("close", go);
  });
}
