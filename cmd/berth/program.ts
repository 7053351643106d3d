// The tree of commands for commander: nouns and verbs from the list, each verb's flags defined when it is chosen.
import { type Command as CommanderCommand, Option } from "commander";
import { GoCommand } from "../shared/go-flags.js";
import { addFormatOption, type Command, type CommandEntry, type CommandGroup } from "./command.js";
import { COMMANDS, GROUPS } from "./commands/index.js";
import { exitStatusHelp } from "./exit-status.js";
import { parseDuration } from "./flags.js";

export interface GlobalFlags {
  address?: string;
  namespace?: string;
  format?: "table" | "wide" | "json" | "jsonl";
  timeout?: number;
  connectTimeout?: number;
  debug?: boolean;
  color?: "auto" | "always" | "never";
}

/** What becomes of the command that was chosen. */
export interface Execution {
  /** It is known, its flags are not yet. */
  chosen(command: Command): void;
  /** Runs it with the flags that stand before the noun, and `--format` from wherever it stands. */
  run(command: Command, flags: GlobalFlags, commander: CommanderCommand): Promise<void>;
}

export function createProgram(version: string, execution: Execution): CommanderCommand {
  const program = new GoCommand("berth")
    .description("Runs containers and looks after them, on berthd or containerd.")
    .usage("[options] <noun> <verb>")
    .enablePositionalOptions()
    .version(version, "-v, --version", "print the version")
    .option(
      "-a, --address <socket>",
      "the daemon's socket ($BERTH_ADDRESS, $CONTAINERD_ADDRESS; default: berth/berth.sock in /run or $XDG_RUNTIME_DIR)",
    )
    .option("-n, --namespace <name>", "namespace ($BERTH_NAMESPACE, $CONTAINERD_NAMESPACE; default: default)")
    .option("--timeout <duration>", "give up after that long, for example 30s", parseDuration)
    .option("--connect-timeout <duration>", "wait that long for the daemon to be there", parseDuration)
    .option("--debug", "show the stack of an error")
    .addOption(
      new Option("--color <when>", "colours: on a terminal unless $NO_COLOR is set, always, never").choices([
        "auto",
        "always",
        "never",
      ]),
    )
    .helpCommand(false)
    .addHelpText("after", () => `\n${exitStatusHelp()}`);
  addFormatOption(program);
  for (const entry of COMMANDS) addVerb(program, program, entry, execution);
  for (const group of GROUPS) addGroup(program, group, execution);
  return program;
}

function addGroup(program: CommanderCommand, group: CommandGroup, execution: Execution): void {
  const noun = program
    .command(group.name)
    .aliases([...group.aliases])
    .description(group.summary)
    .enablePositionalOptions()
    .helpCommand(false);
  group.options?.(noun);
  for (const verb of group.verbs) addVerb(program, noun, verb, execution);
}

function addVerb(program: CommanderCommand, parent: CommanderCommand, entry: CommandEntry, execution: Execution): void {
  const verb = parent
    .command(entry.name, { hidden: entry.hidden === true })
    .aliases([...entry.aliases])
    .description(entry.summary);
  parent.hook("preSubcommand", async (_, chosen) => {
    if (chosen !== verb) return;
    const { command } = await entry.load();
    execution.chosen(command);
    command.configure(verb);
    verb.action(async () => {
      if (parent !== program) inheritOptions(verb, parent);
      const format = verb.opts<GlobalFlags>().format;
      const flags = { ...program.opts<GlobalFlags>(), ...(format === undefined ? {} : { format }) };
      await execution.run(command, flags, verb);
    });
  });
}

/** What stood before the verb. */
function inheritOptions(verb: CommanderCommand, noun: CommanderCommand): void {
  for (const [name, value] of Object.entries(noun.opts())) {
    if (verb.getOptionValue(name) === undefined) verb.setOptionValue(name, value);
  }
}
