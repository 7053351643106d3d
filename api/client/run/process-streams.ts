// A process's stdio as streams that an embedder cannot hurt itself with: a process that is gone makes no unheard error, output that
// nobody wants does not hold the process up, and what it wrote before it ended can be read afterwards.
import { Readable, Writable } from "node:stream";
import { unavailable } from "../../core/errors.js";

/** More than the pipes on the way hold of a process that has ended. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;

/** What a process writes. Destroying it does not end the process: what still comes is thrown away. */
export class OutputStream extends Readable {
  readonly #source: Readable | undefined;
  /** Set while draining: ends it. */
  #stopDraining: (() => void) | undefined;
  #chunks = 0;
  #hasEnded = false;

  /** Without a source it has ended. */
  constructor(source: Readable | undefined) {
    super();
    this.#source = source;
    // Whoever wants to know hears it all the same.
    this.on("error", () => {});
    if (source === undefined) {
      this.#end();
      return;
    }
    source.on("data", (chunk: Buffer) => this.#take(source, chunk));
    source.once("end", () => this.#end());
    source.once("close", () => this.#end());
    source.on("error", (error) => this.destroy(error));
    source.pause();
  }

  override _read(): void {
    this.#source?.resume();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#source?.resume();
    done(error);
  }

  /**
   * For a process that has ended: takes in what is still on its way, so that the pipe is of no more use. Resolves also when
   * nothing has come for `idleMs`, since a child may keep the pipe open: then the stream ends there.
   */
  async drain(idleMs: number): Promise<void> {
    const source = this.#source;
    if (source === undefined || this.#hasEnded) return;
    await new Promise<void>((resolve) => {
      let seen = this.#chunks;
      const timer = setInterval(() => {
        if (seen === this.#chunks) source.destroy();
        seen = this.#chunks;
      }, idleMs);
      this.#stopDraining = (): void => {
        clearInterval(timer);
        resolve();
      };
      source.once("end", this.#stopDraining);
      source.once("close", this.#stopDraining);
      source.resume();
    });
    this.#stopDraining = undefined;
  }

  /** Ends it here and lets the pipe go. */
  close(): void {
    this.#source?.destroy();
    this.#end();
  }

  #take(source: Readable, chunk: Buffer): void {
    this.#chunks += 1;
    if (this.destroyed || this.#hasEnded) return;
    if (this.push(chunk)) return;
    const isDraining = this.#stopDraining !== undefined;
    if (isDraining && this.readableLength <= MAX_KEPT_BYTES) return;
    source.pause();
    // Somebody still writes, and nobody reads: the rest comes when it is asked for.
    this.#stopDraining?.();
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (!this.destroyed) this.push(null);
  }
}

/** What a process reads. Ending it is the end of the input; writing to a process that is gone fails with EPIPE. */
export class InputStream extends Writable {
  readonly #target: Writable | undefined;
  readonly #onEnd: () => Promise<void>;

  /** `onEnd` tells the daemon that no more input comes. Without a target nothing can be written. */
  constructor(target: Writable | undefined, onEnd: () => Promise<void>) {
    super();
    this.#target = target;
    this.#onEnd = onEnd;
    this.on("error", () => {});
    target?.on("error", () => {});
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#target === undefined) done(unavailable("the process has no stdin of this client"));
    else this.#target.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    const target = this.#target;
    if (target === undefined || target.destroyed) done();
    else target.end(() => void this.#onEnd().then(() => done(), done));
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#target?.destroy();
    done(error);
  }
}
