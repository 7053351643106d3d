// How a failure is told: a line of what happened, a second one of what to do, and an exit status that tells its class. For programs
// that asked for JSON it is one line of JSON. Loaded when something fails.
import { type Command as CommanderCommand, CommanderError } from "commander";
import { exitStatus, Interrupted, Reported, USAGE_STATUS, UsageError } from "./exit-status.js";
import { errorJson, messageOf } from "./output.js";
import type { GlobalFlags } from "./program.js";
import { createColour } from "./render/colour.js";
import { signalNumber } from "./signals.js";
import { usageHint } from "./usage-hints.js";

interface Failure {
  readonly argv: readonly string[];
  readonly program: CommanderCommand;
  /** As far as they were understood. */
  readonly flags: GlobalFlags;
  readonly failureStatus: number | undefined;
  /** What the daemon's answers let one advise. */
  readonly hint: string | undefined;
}

/** Tells it on stderr. @returns the exit status. */
export function report(error: unknown, { argv, program, flags, failureStatus, hint }: Failure): number {
  const format = flags.format ?? formatIn(argv);
  const isJson = format === "json" || format === "jsonl";
  const colour = createColour(process.stderr, flags.color);
  const advise = (text: string | undefined): void => {
    if (text !== undefined) process.stderr.write(`${colour.dim("hint:")} ${text}\n`);
  };
  const tell = (told: unknown, advice: string | undefined, kind?: string): void => {
    if (isJson) process.stderr.write(`${errorJson(told, advice, kind)}\n`);
    else {
      process.stderr.write(`${colour.red("berth:")} ${messageOf(told)}\n`);
      advise(advice);
    }
    if (flags.debug === true && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  };

  if (error instanceof Reported) {
    if (!isJson) advise(hint);
    return error.status;
  }
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    const { message, advice } = usageHint(error, program, argv);
    // Of a noun alone its help has been printed.
    if (error.code !== "commander.help") tell(message, advice, "invalid_argument");
    return failureStatus ?? USAGE_STATUS;
  }
  if (error instanceof Interrupted) {
    tell(error, undefined, "cancelled");
    return 128 + signalNumber(error.signal);
  }
  tell(error, error instanceof UsageError ? (error.hint ?? hint) : hint);
  return failureStatus ?? exitStatus(error);
}

/** `--format` of a call that could not be parsed. */
function formatIn(argv: readonly string[]): string | undefined {
  const at = argv.findIndex((word) => /^--?format(=|$)/.test(word));
  const word = argv[at] ?? "";
  return word.includes("=") ? word.slice(word.indexOf("=") + 1) : argv[at + 1];
}
