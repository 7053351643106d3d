// Flags of commands that print records: which fields, only the ids, and again and again.
import type { Command as CommanderCommand } from "commander";
import { UsageError } from "./exit-status.js";
import { parseDuration } from "./flags.js";

const DEFAULT_INTERVAL_MS = 2_000;

export interface ListFlags {
  fields?: readonly string[];
  quiet?: boolean;
}

export interface WatchFlags {
  watch?: boolean;
  /** Milliseconds. */
  interval: number;
}

/** `--fields`, and `-q` where the command has none of its own. */
export function addListOptions(command: CommanderCommand, { quiet }: { readonly quiet: boolean }): void {
  command.option("--fields <names>", "only these fields of the JSON form, in this order: id,status", parseFields);
  if (quiet) command.option("-q, --quiet", "only the ids");
}

/** `--watch` and its `--interval`. */
export function addWatchOptions(command: CommanderCommand): void {
  command
    .option("--watch", "show it again and again, until ^C")
    .option("--interval <duration>", "between two looks of --watch", parseDuration, DEFAULT_INTERVAL_MS);
}

/** @throws UsageError when no name is left. */
function parseFields(text: string, before: readonly string[] | undefined): string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.some((name) => name === "")) throw new UsageError(`fields "${text}" name nothing: try --fields id`);
  return [...(before ?? []), ...names];
}
