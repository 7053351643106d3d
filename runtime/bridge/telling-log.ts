// The bridge's own lines go to the daemons that are connected; with none they are lost, as a file that nobody looks at would only grow.
import type { LogFields, Logger } from "../../api/core/log.js";
import type { LogLevel, Message } from "./protocol.js";

export class TellingLog implements Logger {
  readonly #tell: (message: Message) => void;

  constructor(tell: (message: Message) => void) {
    this.#tell = tell;
  }

  debug(fields: LogFields, message: string): void {
    this.#write("debug", fields, message);
  }

  info(fields: LogFields, message: string): void {
    this.#write("info", fields, message);
  }

  warn(fields: LogFields, message: string): void {
    this.#write("warn", fields, message);
  }

  error(fields: LogFields, message: string): void {
    this.#write("error", fields, message);
  }

  child(bound: LogFields): Logger {
    return {
      debug: (fields, message) => this.debug({ ...bound, ...fields }, message),
      info: (fields, message) => this.info({ ...bound, ...fields }, message),
      warn: (fields, message) => this.warn({ ...bound, ...fields }, message),
      error: (fields, message) => this.error({ ...bound, ...fields }, message),
      child: (fields) => this.child({ ...bound, ...fields }),
    };
  }

  #write(level: LogLevel, fields: LogFields, message: string): void {
    const texts = Object.entries(fields).map(([key, value]): [string, unknown] => [
      key,
      value instanceof Error ? value.message : value,
    ]);
    this.#tell({ log: { level, message, fields: Object.fromEntries(texts) } });
  }
}
