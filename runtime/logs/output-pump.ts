// One output of a task on its way: out of its pipe into the spool, from there into the log, and to the client as long as that reads.
import { closeSync, constants, openSync, readSync } from "node:fs";
import type { LogStreamName } from "../../api/core/task-log.js";
import type { Clock } from "../../api/core/time.js";
import type { Epoll } from "../sys/epoll.js";
import { hasCode } from "../sys/errno.js";
import { widenPipe } from "../sys/splice.js";
import type { LineWriter } from "./line-writer.js";
import { LogReader } from "./log-reader.js";
import { Spool } from "./spool.js";
import { StreamLines } from "./stream-lines.js";
import type { Tee } from "./tee.js";

const { O_NONBLOCK, O_RDONLY } = constants;
/** What one task may take before another one's turn comes. */
const PIECE_BYTES = 256 * 1024;
const PIPE_BYTES = 1024 * 1024;
/** A spool that has become so long begins again. */
const SPOOL_BYTES = 1024 * 1024;
/** Shared by all, as nobody keeps it beyond a turn. */
const piece = Buffer.allocUnsafe(PIECE_BYTES);

export interface OutputPumpOptions {
  readonly stream: LogStreamName;
  /** Of the task's pipe. */
  readonly pipePath: string;
  /** Of the container's log, and of its spools. */
  readonly logFolder: string;
  readonly stateFolder: string;
  readonly writer: LineWriter;
  readonly epoll: Epoll;
  readonly clock: Clock;
  /** All writers have closed the pipe, and all that came stands in the log. May be called again when others came. */
  readonly onEnd: () => void;
  readonly onTrouble: (error: unknown) => void;
}

/** Closing leaves pipe and spool as they are. */
export class OutputPump {
  readonly #options: OutputPumpOptions;
  readonly #lines: StreamLines;
  readonly #spool: Spool;
  #pipe: number;
  #tee: Tee | undefined;
  #isPaused = false;
  #hasEnded = false;
  #lostCount: number;
  /** What the log has did not all go through the spool. */
  #isVoid = false;

  private constructor(options: OutputPumpOptions, spool: Spool) {
    this.#options = options;
    this.#lines = new StreamLines(options.stream, options.writer);
    this.#lostCount = options.writer.lostCount;
    this.#spool = spool;
    this.#pipe = this.#openPipe();
  }

  /** Takes what a former log process left. What comes waits for {@link OutputPump.start}. */
  static async open(options: OutputPumpOptions): Promise<OutputPump> {
    const { stream, stateFolder, logFolder, writer } = options;
    const spool = Spool.open(stateFolder, stream, writer.nextNumber);
    try {
      const doneBytes = spool.sizeBytes === 0 ? 0 : await rawBytesBehind(logFolder, stream, spool.firstLine);
      const pump = new OutputPump(options, spool);
      pump.#catchUp(doneBytes);
      return pump;
    } catch (error) {
      spool[Symbol.dispose]();
      throw error;
    }
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** From now on it is read. */
  start(tee: Tee | undefined): void {
    this.#tee = tee;
    if (tee !== undefined) tee.onDrain = () => this.#resume();
    this.#watch();
  }

  /** No writer has anything to say any more: takes what is in the pipe, whether the client reads or not. */
  finish(): void {
    if (this.#pipe < 0 || this.#hasEnded) return;
    while (!this.#hasEnded && this.#takePiece() !== undefined);
    if (!this.#hasEnded) this.#ended();
  }

  close(): void {
    if (this.#pipe >= 0) {
      this.#options.epoll.unwatch(this.#pipe);
      closeSync(this.#pipe);
    }
    this.#pipe = -1;
    this.#tee?.close();
    this.#spool[Symbol.dispose]();
  }

  #watch(): void {
    this.#options.epoll.watch(this.#pipe, () => {
      this.#takePiece();
    });
  }

  /** The client takes more. */
  #resume(): void {
    if (!this.#isPaused || this.#pipe < 0) return;
    this.#isPaused = false;
    this.#watch();
  }

  /** @returns undefined when there was nothing. */
  #takePiece(): number | undefined {
    try {
      const from = this.#spool.sizeBytes;
      const bytes = this.#fill();
      if (bytes === undefined) return undefined;
      if (bytes === 0) {
        this.#ended();
        return 0;
      }
      this.#hasEnded = false;
      const data = this.#spool.sizeBytes === from ? piece.subarray(0, bytes) : this.#spool.read(piece, from, bytes);
      this.#keep(data);
      if (this.#tee?.write(data) === false && !this.#isPaused) {
        this.#isPaused = true;
        this.#options.epoll.unwatch(this.#pipe);
      }
      return bytes;
    } catch (error) {
      // One task's trouble is not that of all others; its pipe is read again when there is more in it.
      this.#options.onTrouble(error);
      return undefined;
    }
  }

  /** Into the spool; on a full disk, where that does not go, into the shared buffer. */
  #fill(): number | undefined {
    try {
      return this.#spool.fill(this.#pipe, PIECE_BYTES);
    } catch (error) {
      this.#options.onTrouble(error);
      this.#isVoid = true;
    }
    try {
      return readSync(this.#pipe, piece, 0, PIECE_BYTES, null);
    } catch (error) {
      if (hasCode(error, "EAGAIN")) return undefined;
      throw error;
    }
  }

  #keep(data: Buffer): void {
    const { writer, clock } = this.#options;
    writer.setTime(clock());
    this.#lines.take(data);
    writer.flush();
    if (writer.lostCount !== this.#lostCount || writer.oldestNumber > this.#spool.firstLine) this.#isVoid = true;
    if (this.#spool.sizeBytes > SPOOL_BYTES || this.#isVoid) this.#restartSpool();
  }

  /** Where that does not go, on a full disk, it is tried again with the next piece. */
  #restartSpool(): void {
    const { writer, onTrouble } = this.#options;
    try {
      this.#spool.restart(writer.nextNumber, this.#lines.rest);
      this.#lostCount = writer.lostCount;
      this.#isVoid = false;
    } catch (error) {
      onTrouble(error);
    }
  }

  #ended(): void {
    const { writer, epoll, clock, onEnd, onTrouble } = this.#options;
    writer.setTime(clock());
    this.#lines.end();
    writer.flush();
    this.#restartSpool();
    this.#tee?.close();
    this.#tee = undefined;
    const former = this.#pipe;
    epoll.unwatch(former);
    this.#hasEnded = true;
    this.#isPaused = false;
    this.#pipe = -1;
    try {
      // Whoever carries the output of an engine may come back and open it once more; a pipe that is opened anew does not tell its end before.
      this.#pipe = this.#openPipe();
      this.#watch();
    } catch (error) {
      // Its folder has gone, and nobody can come back.
      if (!hasCode(error, "ENOENT")) onTrouble(error);
    }
    closeSync(former);
    onEnd();
  }

  #openPipe(): number {
    const fd = openSync(this.#options.pipePath, O_RDONLY | O_NONBLOCK);
    widenPipe(fd, PIPE_BYTES);
    return fd;
  }

  /** What the spool has and the log lacks. */
  #catchUp(doneBytes: number): void {
    for (let at = doneBytes; at < this.#spool.sizeBytes; at += PIECE_BYTES) {
      const data = this.#spool.read(piece, at, Math.min(PIECE_BYTES, this.#spool.sizeBytes - at));
      this.#options.writer.setTime(this.#options.clock());
      this.#lines.take(data);
    }
    this.#options.writer.flush();
  }
}

/** How many bytes of a stream became lines from this one on, line feeds included. */
async function rawBytesBehind(logFolder: string, stream: LogStreamName, firstLine: number): Promise<number> {
  let bytes = 0;
  await using reader = await LogReader.open(logFolder, BigInt(firstLine - 1));
  for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
    for (const line of batch.lines) {
      if (line.stream === stream) bytes += line.text.length + (line.isPartial ? 0 : 1);
    }
  }
  return bytes;
}
