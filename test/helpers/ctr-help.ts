// What the real `ctr` says of itself: its help, walked from noun to verb, as a list of commands with their names and flags.
import { runProgram } from "./program.js";

/** A flag, by all of its spellings with their dashes. */
export interface HelpFlag {
  readonly names: readonly string[];
  readonly takesValue: boolean;
  /** As it is printed, without quotation marks; undefined for none, and for what counts as none: 0, nothing, no time. */
  readonly default: string | undefined;
  /** Names of environment variables, without `$`. */
  readonly variables: readonly string[];
}

export interface HelpCommand {
  /** From the noun on: `containers`, `list`. Empty for the program itself. */
  readonly path: readonly string[];
  readonly aliases: readonly string[];
  readonly flags: readonly HelpFlag[];
}

interface Listed {
  readonly name: string;
  readonly aliases: readonly string[];
}

const NO_DEFAULT = new Set(["", "0", "0s", "false"]);

/** All commands of `ctr`, the program itself first. */
export async function walkCtrHelp(
  listed: Listed = { name: "", aliases: [] },
  above: readonly string[] = [],
): Promise<HelpCommand[]> {
  const path = listed.name === "" ? above : [...above, listed.name];
  const { stdout } = await runProgram("ctr", [...path, "--help"]);
  const { commands, flags } = readHelp(stdout);
  const below: HelpCommand[] = [];
  for (const command of commands) {
    // What `help` has below it are all other commands once more.
    if (command.name === "help") below.push({ path: [...path, "help"], aliases: command.aliases, flags: [] });
    else below.push(...(await walkCtrHelp(command, path)));
  }
  return [{ path, aliases: listed.aliases, flags }, ...below];
}

function readHelp(text: string): { readonly commands: Listed[]; readonly flags: HelpFlag[] } {
  const commands: Listed[] = [];
  const flags: HelpFlag[] = [];
  let section = "";
  for (const line of text.split("\n")) {
    if (/^[A-Z][A-Z ]*:$/.test(line)) section = line;
    else if (section === "COMMANDS:") commands.push(...readCommand(line));
    else if (section.endsWith("OPTIONS:")) flags.push(...readFlag(line));
  }
  return { commands, flags };
}

function readCommand(line: string): Listed[] {
  const [name = "", ...aliases] = /^ {3}(\S.*?) {2}/.exec(line)?.[1]?.split(", ") ?? [];
  return name === "" ? [] : [{ name, aliases }];
}

function readFlag(line: string): HelpFlag[] {
  const [, names, rest = ""] = /^ {3}(-\S.*?)(?: {2,}(.*))?$/.exec(line) ?? [];
  if (names === undefined) return [];
  const words = names.split(", ");
  const shown = /\(default: (.*?)\)/.exec(rest)?.[1]?.replace(/^"(.*)"$/, "$1") ?? "";
  return [
    {
      names: words.map((word) => word.split(" ")[0] ?? word),
      takesValue: words.some((word) => word.includes(" ")),
      default: NO_DEFAULT.has(shown) ? undefined : shown,
      variables: [...rest.matchAll(/\[\$(\w+)\]/g)].map(([, name = ""]) => name),
    },
  ];
}
