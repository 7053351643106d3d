// All commands as records, for the reference, the manual and the tests: read from the definitions that the program itself runs.
import type { Command as CommanderCommand, Help } from "commander";
import type { Command, CommandEntry, Example } from "../command.js";
import { COMMANDS, GROUPS } from "../commands/index.js";
import { createProgram } from "../program.js";

export interface DescribedOption {
  /** `-n, --namespace <name>`. */
  readonly flags: string;
  readonly text: string;
}

export interface DescribedCommand {
  /** `tasks kill`. */
  readonly path: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  /** `berth tasks kill [options] <container>`. */
  readonly usage: string;
  readonly options: readonly DescribedOption[];
  readonly help: string | undefined;
  readonly examples: readonly Example[];
  readonly command: Command;
}

export interface DescribedNoun {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  /** Flags that stand before the verb. */
  readonly options: readonly DescribedOption[];
  readonly verbs: readonly DescribedCommand[];
}

export interface Described {
  readonly options: readonly DescribedOption[];
  readonly commands: readonly DescribedCommand[];
  readonly nouns: readonly DescribedNoun[];
}

/** Loads every command. */
export async function describeProgram(): Promise<Described> {
  const program = createProgram("VERSION", { chosen: () => {}, run: async () => {} });
  const find = (parent: CommanderCommand, name: string): CommanderCommand => {
    const found = parent.commands.find((one) => one.name() === name);
    if (found === undefined) throw new Error(`the program has no command ${name}`);
    return found;
  };
  const commands = COMMANDS.filter(({ hidden }) => hidden !== true).map((entry) =>
    describeCommand(entry, find(program, entry.name), entry.name),
  );
  const nouns = GROUPS.map(async ({ name, aliases, summary, verbs }) => {
    const noun = find(program, name);
    return {
      ...{ name, aliases, summary },
      options: optionsOf(noun),
      verbs: await Promise.all(
        verbs.map((entry) => describeCommand(entry, find(noun, entry.name), `${name} ${entry.name}`)),
      ),
    };
  });
  return { options: optionsOf(program), commands: await Promise.all(commands), nouns: await Promise.all(nouns) };
}

async function describeCommand(
  entry: CommandEntry,
  commander: CommanderCommand,
  path: string,
): Promise<DescribedCommand> {
  const { command } = await entry.load();
  command.configure(commander);
  const { aliases, summary } = entry;
  const usage = `berth ${path} ${commander.usage()}`.trim();
  const options = optionsOf(commander);
  return { path, aliases, summary, usage, options, help: command.help, examples: command.examples, command };
}

/** As `--help` shows them, without `--help` itself. */
function optionsOf(commander: CommanderCommand): DescribedOption[] {
  const help: Help = commander.createHelp();
  return commander.options
    .filter(({ hidden }) => !hidden)
    .map((option) => ({ flags: help.optionTerm(option), text: help.optionDescription(option) }));
}
