// The `log` FIFO of a bundle: the shim's stderr. The shim blocks in its start without a reader, and later when 64 KiB wait.
import { constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Logger } from "../../../api/core/log.js";
import { isFifo, makeFifo } from "../../sys/fifo.js";

const MAX_LINE_BYTES = 8192;

/** A line of logrus text: its level and its message decide what becomes of it. */
function logLine(log: Logger, line: string): void {
  if (line.trim() === "") return;
  const level = /\blevel=(\w+)/.exec(line)?.[1];
  if (level === "error" || level === "fatal" || level === "panic") log.error({ line }, "shim");
  else if (level === "warning" || level === undefined) log.warn({ line }, "shim");
  else log.debug({ line }, "shim");
}

/** Reads until it is disposed; a shim that goes and comes back goes on being read. */
export class ShimLog implements Disposable {
  readonly #socket: Socket;
  #log: Logger;
  #rest = "";

  private constructor(socket: Socket, log: Logger) {
    this.#socket = socket;
    this.#log = log;
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => this.#take(chunk));
    socket.on("error", (err) => this.#log.warn({ err }, "reading the shim log failed"));
    socket.unref();
  }

  /** Opens `<bundle>/log`, made before when it is not there. */
  static open(bundlePath: string, log: Logger): ShimLog {
    const path = join(bundlePath, "log");
    if (!isFifo(path)) makeFifo(path, 0o700);
    // For writing too, so that it never ends; non-blocking, so that neither open nor read waits, here or in the thread pool.
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    return new ShimLog(new Socket({ fd, readable: true, writable: false }), log);
  }

  /** What comes from now on is written to `log`. */
  redirect(log: Logger): void {
    this.#log = log;
  }

  #take(chunk: string): void {
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = (lines.pop() ?? "").slice(-MAX_LINE_BYTES);
    for (const line of lines) logLine(this.#log, line.slice(0, MAX_LINE_BYTES));
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}
