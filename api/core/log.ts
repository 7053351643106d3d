// The logger that every room is handed. pino fits it; the default is silent.

/** The data of a log line. An error goes under `err`. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Messages are constant and in lower case; data goes into the fields. Never log specs, environments or credentials. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger that puts these fields into each of its lines. */
  child(fields: LogFields): Logger;
}

/** Drops everything. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};
