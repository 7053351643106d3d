// Mistakes in how berth was called, in one line, and what was probably meant.
import type { Command as CommanderCommand, CommanderError } from "commander";
import { closest } from "./did-you-mean.js";

/** Commander's message in one line without its own guess, and a better one. */
export function usageHint(
  error: CommanderError,
  program: CommanderCommand,
  argv: readonly string[],
): { readonly message: string; readonly advice: string | undefined } {
  const text = error.message
    .replace(/^error: /, "")
    .replaceAll(/\s*\n\s*/g, " ")
    .trim();
  const guess = /\s*\(Did you mean (?:one of )?(.+?)\?\)$/.exec(text);
  const message = guess === null ? text : text.slice(0, guess.index);
  const chosen = commandIn(program, argv);
  const named = /'([^']*)'$/.exec(message)?.[1] ?? "";
  return {
    message,
    advice: adviceOn(error.code, named, chosen, program) ?? `${pathOf(chosen)} --help shows what it takes`,
  };
}

function adviceOn(
  code: string,
  named: string,
  chosen: CommanderCommand,
  program: CommanderCommand,
): string | undefined {
  if (code === "commander.unknownOption") {
    const flags = [...chosen.options, ...program.options].flatMap(({ short, long }) => [long ?? "", short ?? ""]);
    const dashed = named.replace(/^-(?=[^-]{2})/, "--").replace(/=.*/, "");
    const isGlobal = program.options.some(({ short, long }) => [short, long].includes(named) || long === dashed);
    if (isGlobal && chosen !== program)
      return `${named} stands before the ${chosen.parent === program ? "command" : "noun"}`;
    const guess = closest(
      dashed,
      flags.filter((flag) => flag.startsWith("--")),
    );
    return guess === undefined ? undefined : `did you mean ${guess}?`;
  }
  if (code === "commander.unknownCommand") {
    const guess = closest(named, namesOf(chosen));
    if (guess !== undefined) return `did you mean ${withoutProgram(chosen, guess)}?`;
    // A verb without its noun: `berth pull`.
    const nouns = program.commands.filter((noun) => noun.commands.some((verb) => verb.name() === named));
    const [noun] = nouns;
    return noun === undefined ? undefined : `did you mean ${pathOf(noun)} ${named}?`;
  }
  return undefined;
}

const namesOf = (command: CommanderCommand): string[] =>
  command.commands.flatMap((one) => [one.name(), ...one.aliases()]).filter((name) => !name.startsWith("__"));

const withoutProgram = (parent: CommanderCommand, name: string): string => `${pathOf(parent)} ${name}`;

/** The noun and verb that the words name, as far as they do. */
export function commandIn(program: CommanderCommand, argv: readonly string[]): CommanderCommand {
  let chosen = program;
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? "";
    const flag = chosen.options.find(({ short, long }) => short === word || long === word);
    if (flag?.required === true) at += 1;
    if (word.startsWith("-")) continue;
    const next = chosen.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (next === undefined) return chosen;
    chosen = next;
  }
  return chosen;
}

/** `berth tasks kill`. */
export function pathOf(command: CommanderCommand): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
