// Where the shim's own lines go: as text to the `log` FIFO that a daemon reads, and nowhere when nobody does. A daemon that went away,
// a full pipe or a bundle that was deleted must neither block the shim nor end it.
import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { LogFields, Logger } from "../../api/core/log.js";

const STDERR_FD = 2;

/** Opens a bundle's FIFO for writing; undefined when it has none, and when nobody reads it. */
export function openLog(bundle: string): number | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(join(bundle, "log"), constants.O_WRONLY | constants.O_NONBLOCK);
    if (fstatSync(fd).isFIFO()) return fd;
    closeSync(fd);
  } catch {
    if (fd !== undefined) closeSync(fd);
  }
  return undefined;
}

/** Writes to the FIFO of the newest bundle that has a reader, else to stderr. */
export class ShimLog implements Logger {
  readonly #isDebug: boolean;
  #fd = STDERR_FD;

  constructor(isDebug: boolean) {
    this.#isDebug = isDebug;
  }

  /** From now on lines go to this bundle's FIFO, if it has one. */
  follow(bundle: string): void {
    const fd = openLog(bundle);
    if (fd === undefined) return;
    this.#close();
    this.#fd = fd;
  }

  debug(fields: LogFields, message: string): void {
    if (this.#isDebug) this.#write("debug", fields, message);
  }

  info(fields: LogFields, message: string): void {
    this.#write("info", fields, message);
  }

  warn(fields: LogFields, message: string): void {
    this.#write("warning", fields, message);
  }

  error(fields: LogFields, message: string): void {
    this.#write("error", fields, message);
  }

  child(bound: LogFields): Logger {
    const child: Logger = {
      debug: (fields, message) => this.debug({ ...bound, ...fields }, message),
      info: (fields, message) => this.info({ ...bound, ...fields }, message),
      warn: (fields, message) => this.warn({ ...bound, ...fields }, message),
      error: (fields, message) => this.error({ ...bound, ...fields }, message),
      child: (fields) => this.child({ ...bound, ...fields }),
    };
    return child;
  }

  #write(level: string, fields: LogFields, message: string): void {
    const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${JSON.stringify(textOf(value))}`);
    const time = new Date().toISOString();
    try {
      writeSync(this.#fd, `time="${time}" level=${level} msg=${JSON.stringify(message)}${pairs.join("")}\n`);
    } catch {
      // Its reader is gone, or does not keep up: then the line is lost, and the next one may go where the shim was started.
      this.#close();
    }
  }

  #close(): void {
    if (this.#fd !== STDERR_FD) closeSync(this.#fd);
    this.#fd = STDERR_FD;
  }
}

const textOf = (value: unknown): unknown => (value instanceof Error ? (value.stack ?? value.message) : value);
