// Where a program's log lines go: to stderr, as JSON through pino or as text for people.
import { inspect } from "node:util";
import { destination, pino, stdSerializers } from "pino";
import type { LogFields, Logger } from "../../api/core/log.js";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export const LOG_FORMATS = ["json", "pretty"] as const;

type Level = (typeof LOG_LEVELS)[number];
export interface LogOptions {
  readonly level: Level;
  readonly format: (typeof LOG_FORMATS)[number];
}

const STDERR_FD = 2;

/** Lines are written at once, so that none is lost when the daemon ends. */
export function createLogger({ level, format }: LogOptions): Logger {
  if (format === "pretty") return prettyLogger(LOG_LEVELS.indexOf(level), {});
  return pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: stdSerializers.errWithCause },
    },
    destination({ fd: STDERR_FD, sync: true }),
  );
}

function prettyLogger(threshold: number, bound: LogFields): Logger {
  const write =
    (level: Level) =>
    (fields: LogFields, message: string): void => {
      if (LOG_LEVELS.indexOf(level) < threshold) return;
      const time = new Date().toISOString().slice(11, 23);
      const pairs = Object.entries({ ...bound, ...fields }).map(([key, value]) => ` ${key}=${show(value)}`);
      process.stderr.write(`${time} ${level.toUpperCase().padEnd(5)} ${message}${pairs.join("")}\n`);
    };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: (fields) => prettyLogger(threshold, { ...bound, ...fields }),
  };
}

const show = (value: unknown): string =>
  typeof value === "string" && /^[^\s"]+$/.test(value)
    ? value
    : inspect(value, { breakLength: Number.POSITIVE_INFINITY });
