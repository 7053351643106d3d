// What a command of the CLI is. One verb, one file; commands/index.ts lists them.
import type { Command as CommanderCommand, OptionValues } from "commander";
import type { Client } from "../../api/client/connect.js";
import type { RequestContext } from "../../api/core/context.js";
import type { Output } from "./output.js";

/** What every command is handed. */
export interface CommandContext {
  /** Connects at the first call; closed by main. */
  readonly client: Client;
  readonly namespace: string;
  /** For calls to the daemon: namespace and `--timeout`. */
  readonly request: RequestContext;
  readonly output: Output;
}

export interface CommandDefinition<Flags extends OptionValues> {
  /** Arguments as commander and the usage line show them, e.g. `<container> [filters...]`. */
  readonly arguments?: string;
  /** Further help, below the options. */
  readonly help?: string;
  /** Prints records, hence takes `--format`. */
  readonly formats?: boolean;
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
  configure(command: CommanderCommand): void;
  run(context: CommandContext, command: CommanderCommand): Promise<number>;
}

/** Makes a command; `Flags` is what its `options` parse into. */
export function defineCommand<Flags extends OptionValues = Record<string, never>>(
  definition: CommandDefinition<Flags>,
): Command {
  return {
    failureStatus: definition.failureStatus,
    configure: (command) => {
      if (definition.arguments !== undefined) command.arguments(definition.arguments);
      definition.options?.(command);
      if (definition.formats === true) addFormatOption(command);
      if (definition.passThrough === true) command.passThroughOptions();
      if (definition.help !== undefined) command.addHelpText("after", `\n${definition.help}`);
    },
    run: async (context, command) => (await definition.run(context, command.args, command.opts<Flags>())) ?? 0,
  };
}

/** `--format`, which stands before the noun or behind the verb. */
export function addFormatOption(command: CommanderCommand): void {
  command.addOption(
    command.createOption("--format <format>", "how records are printed").choices(["table", "wide", "json", "jsonl"]),
  );
}

/** One line of the list: a verb, and where it is. */
export interface CommandEntry {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
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
