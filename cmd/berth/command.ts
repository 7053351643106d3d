// What a command of the CLI is. One verb, one file; commands/index.ts lists them.
import type { Command as CommanderCommand, OptionValues } from "commander";
import type { Client } from "../../api/client/connect.js";
import type { RequestContext } from "../../api/core/context.js";
import { addListOptions, addWatchOptions, type ListFlags, type WatchFlags } from "./list-flags.js";
import type { Output, OutputOptions } from "./output.js";

/** What every command is handed. */
export interface CommandContext {
  /** Connects at the first call; closed by main. */
  readonly client: Client;
  readonly namespace: string;
  /** For calls to the daemon: namespace and `--timeout`. */
  readonly request: RequestContext;
  readonly output: Output;
}

/** A call as a person would type it, and what it does. */
export interface Example {
  /** Begins with `berth `. */
  readonly line: string;
  readonly does: string;
}

/** What an argument names, for completion in a shell. */
export type Completion =
  | "container"
  | "task"
  | "image"
  | "snapshot"
  | "content"
  | "lease"
  | "namespace"
  | "exec"
  | "file"
  | "none";

export interface CommandDefinition<Flags extends OptionValues> {
  /** Arguments as commander and the usage line show them, e.g. `<container> [filters...]`. */
  readonly arguments?: string;
  /** Further help, below the options. */
  readonly help?: string;
  /** For `--help`, the manual and the reference; at least one. */
  readonly examples?: readonly Example[];
  /** What each argument names, in their order; the last one goes on for arguments that repeat. */
  readonly completes?: readonly Completion[];
  /** Prints records or a document, hence takes `--format`. */
  readonly formats?: boolean;
  /** Prints with {@link Output.list}: `--format`, `--fields`, and `-q` unless it has its own. `document`: with {@link Output.document}, without `-q`. */
  readonly lists?: boolean | "document";
  /** Shows what changes: `--watch` calls `run` again and again, `--interval` apart, and draws what it printed in place. */
  readonly watches?: boolean;
  /** Everything behind the first argument belongs to the program to be run, flags included. */
  readonly passThrough?: boolean;
  /** The exit status of berth's own failures, where the status of a process is passed on otherwise. */
  readonly failureStatus?: number;
  options?(command: CommanderCommand): void;
  /** Resolves to the exit status; nothing is 0. */
  // biome-ignore lint/suspicious/noConfusingVoidType: most commands end without saying anything
  run(context: CommandContext, args: readonly string[], flags: Flags): Promise<number | void>;
}

export interface Command {
  readonly failureStatus: number | undefined;
  readonly examples: readonly Example[];
  readonly help: string | undefined;
  /** Words behind the first argument belong to the program to be run. */
  readonly passesThrough: boolean;
  /** What the argument at that place names. */
  completes(at: number): Completion;
  configure(command: CommanderCommand): void;
  /** How its records are to be printed, once its flags are parsed. */
  output(command: CommanderCommand): Pick<OutputOptions, "fields" | "quiet">;
  run(context: CommandContext, command: CommanderCommand): Promise<number>;
}

/** Makes a command; `Flags` is what its `options` parse into. */
export function defineCommand<Flags extends OptionValues = Record<string, never>>(
  definition: CommandDefinition<Flags>,
): Command {
  let ownQuiet = false;
  return {
    failureStatus: definition.failureStatus,
    examples: definition.examples ?? [],
    help: definition.help,
    passesThrough: definition.passThrough === true,
    completes: (at) =>
      definition.completes?.[at] ?? (isVariadic(definition) ? definition.completes?.at(-1) : undefined) ?? "none",
    configure: (command) => {
      if (definition.arguments !== undefined) command.arguments(definition.arguments);
      definition.options?.(command);
      ownQuiet = command.options.some(({ long }) => long === "--quiet");
      const { lists } = definition;
      if (definition.formats === true || lists !== undefined) addFormatOption(command);
      if (lists !== undefined) addListOptions(command, { quiet: lists === true && !ownQuiet });
      if (definition.watches === true) addWatchOptions(command);
      if (definition.passThrough === true) command.passThroughOptions();
      if (definition.help !== undefined) command.addHelpText("after", `\n${definition.help}`);
      if (definition.examples !== undefined) command.addHelpText("after", `\n${renderExamples(definition.examples)}`);
    },
    output: (command) => {
      const { fields, quiet } = command.opts<ListFlags>();
      return definition.lists !== undefined ? { fields, quiet: !ownQuiet && quiet === true } : {};
    },
    run: async (context, command) => {
      const run = async (ctx: CommandContext): Promise<number> =>
        (await definition.run(ctx, command.args, command.opts<Flags>())) ?? 0;
      const { watch, interval } = command.opts<WatchFlags>();
      if (definition.watches !== true || watch !== true) return await run(context);
      const { watching } = await import("./watch.js");
      return await watching(context, interval, run);
    },
  };
}

function isVariadic({ arguments: shown = "" }: { readonly arguments?: string }): boolean {
  return /\.\.\.[\]>]$/.test(shown);
}

/** As they stand in `--help`. */
export function renderExamples(examples: readonly Example[]): string {
  return ["Examples:", ...examples.flatMap(({ line, does }) => [`  ${line}`, `      ${does}`])].join("\n");
}

/** `--format`, which stands before the noun or behind the verb. */
export function addFormatOption(command: CommanderCommand): void {
  command.addOption(
    command
      .createOption("--format <format>", "how records are printed; default: table")
      .choices(["table", "wide", "json", "jsonl"]),
  );
}

/** One line of the list: a verb, and where it is. */
export interface CommandEntry {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  /** No help shows it. */
  readonly hidden?: boolean;
  load(): Promise<{ readonly command: Command }>;
}

/** A noun with its verbs. */
export interface CommandGroup {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly verbs: readonly CommandEntry[];
  /** Flags that stand before the verb; a verb that has the same one too takes its own first. */
  options?(command: CommanderCommand): void;
}
