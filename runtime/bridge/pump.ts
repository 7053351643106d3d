// Carries bytes between one connection of an engine and the client's ends, no faster than they are taken.
import type { Writable } from "node:stream";
import type { Logger } from "../../api/core/log.js";
import type { ClientStreams } from "./client-streams.js";
import type { Ahead, Connection, Piece } from "./source.js";

/** How often a process is looked at whose output is not taken. */
const LOOK_MS = 1_000;
const NOT_AHEAD: Ahead = { bytes: 0, beyond: "wait" };

export interface PumpOptions {
  /** A terminal has no end of its input. */
  readonly hasInputEnd: boolean;
  /** How much of the output may be held for who does not take it. Never rejects. */
  readonly ahead: () => Promise<Ahead>;
  readonly log: Logger;
}

type Ends = Pick<ClientStreams, "stdin" | "stdout" | "stderr">;

/** One for all connections of a process, one after another. */
export class Pump {
  readonly #ends: Ends;
  readonly #options: PumpOptions;
  #readBytes = 0;
  #droppedBytes = 0;
  /** What holds for a reader who does not read. */
  #ahead = NOT_AHEAD;

  constructor(ends: Ends, options: PumpOptions) {
    this.#ends = ends;
    this.#options = options;
  }

  /** Another text whenever something has moved towards the client. */
  position(): string {
    return [this.#readBytes, this.#ends.stdout.writableLength, this.#ends.stderr.writableLength].join();
  }

  /** Until the connection ends, breaks off, or the signal comes; it is closed then. Never rejects. */
  async run(connection: Connection, signal: AbortSignal): Promise<void> {
    const stop = (): void => connection.destroy();
    signal.addEventListener("abort", stop, { once: true });
    connection.input.on("error", () => {});
    let isOver = false;
    if (connection.inputReady === undefined) this.#typeInto(connection.input);
    else void connection.inputReady.then(() => isOver || this.#typeInto(connection.input));
    try {
      if (!signal.aborted) await Promise.all(connection.outputs.map((output) => this.#carry(output)));
    } catch (err) {
      if (!signal.aborted) this.#options.log.debug({ err }, "the stream of an engine broke off");
    } finally {
      isOver = true;
      signal.removeEventListener("abort", stop);
      this.#ends.stdin?.unpipe(connection.input);
      connection.destroy();
    }
  }

  async #carry(output: AsyncIterable<Piece>): Promise<void> {
    for await (const piece of output) {
      this.#readBytes += piece.data.length;
      await this.#deliver(piece);
    }
  }

  #typeInto(input: Writable): void {
    const { stdin } = this.#ends;
    const { hasInputEnd } = this.#options;
    if (stdin === undefined) return;
    if (!stdin.readableEnded) stdin.pipe(input, { end: hasInputEnd });
    else if (hasInputEnd) input.end();
  }

  async #deliver({ kind, data }: Piece): Promise<void> {
    if (kind === "stdout") await this.#write(this.#ends.stdout, data);
    else if (kind === "stderr") await this.#write(this.#ends.stderr, data);
    else if (kind === "system")
      this.#options.log.warn({ said: data.toString() }, "the engine says something of its own");
  }

  /** Resolves when there is room for more. What nobody wants is dropped. */
  async #write(stream: Writable, data: Buffer): Promise<void> {
    if (stream.destroyed) return;
    if (this.#ahead.beyond === "drop" && stream.writableLength + data.length > this.#ahead.bytes) {
      this.#drop(data);
      return;
    }
    if (stream.write(data)) {
      const { stdout, stderr } = this.#ends;
      if (!stdout.writableNeedDrain && !stderr.writableNeedDrain) this.#ahead = NOT_AHEAD;
      return;
    }
    while (!stream.destroyed && stream.writableNeedDrain) {
      if (stream.writableLength < this.#ahead.bytes || this.#ahead.beyond === "drop") return;
      if (await hasRoom(stream, LOOK_MS)) return;
      this.#ahead = await this.#options.ahead();
      if (stream.writableLength >= this.#ahead.bytes && this.#ahead.beyond === "wait") this.#ahead = NOT_AHEAD;
    }
  }

  #drop(data: Buffer): void {
    if (this.#droppedBytes === 0) this.#options.log.warn({}, "output that nobody reads is lost");
    this.#droppedBytes += data.length;
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
