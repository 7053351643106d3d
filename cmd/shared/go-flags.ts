// Flags as Go spells them, and so scripts written for `ctr`: one dash before a long name (`-rm`, `-env A=b`), a value behind `=` also for
// switches and short names (`--tty=false`, `-n=moby`). Rewritten ahead of commander into what it understands; the rest stays as it is.
// @source Go package flag, as urfave/cli uses it
import { Command as CommanderCommand } from "commander";
import { ContainerdError } from "../../api/core/errors.js";

/** What of an option matters here. */
export interface FlagShape {
  /** With its dash: `-d`. */
  readonly short?: string | undefined;
  /** With its dashes: `--detach`. */
  readonly long?: string | undefined;
  readonly takesValue: boolean;
}

const TRUE = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const FALSE = new Set(["0", "f", "F", "false", "FALSE", "False"]);

/**
 * `args` in commander's spelling. Ends at `--`, and at the first argument that is no flag when `stopAtArgument` says that what follows
 * belongs to somebody else. @throws invalid_argument for a switch with a value that is no boolean.
 */
export function goFlags(args: readonly string[], flags: readonly FlagShape[], stopAtArgument: boolean): string[] {
  const done: { readonly flag?: FlagShape; readonly words: readonly string[] }[] = [];
  let at = 0;
  for (; at < args.length; at += 1) {
    const word = args[at] ?? "";
    if (word === "--" || (stopAtArgument && !isFlag(word))) break;
    const { flag, name, value } = recognise(word, flags);
    if (flag === undefined) {
      done.push({ words: [word] });
    } else if (flag.takesValue) {
      const next = args.slice(at + 1, at + 2);
      done.push({ flag, words: value === undefined ? [name, ...next] : [name, value] });
      if (value === undefined) at += 1;
    } else if (value === undefined || TRUE.has(value)) {
      done.push({ flag, words: [name] });
    } else if (FALSE.has(value)) {
      // The last word counts: what switched it on before is taken back.
      for (let i = done.length - 1; i >= 0; i -= 1) if (done[i]?.flag === flag) done.splice(i, 1);
    } else {
      throw new ContainerdError("invalid_argument", `${name} is on or off: "${value}" is neither true nor false`);
    }
  }
  return [...done.flatMap(({ words }) => words), ...args.slice(at)];
}

/** A command whose flags may be spelt as Go spells them, and so may those of its subcommands. */
export class GoCommand extends CommanderCommand {
  #passesThrough = false;

  override createCommand(name?: string): GoCommand {
    return new GoCommand(name);
  }

  override parseOptions(args: string[]): ReturnType<CommanderCommand["parseOptions"]> {
    const flags = this.options.map(({ short, long, required, optional }) => ({
      short,
      long,
      takesValue: required || optional,
    }));
    flags.push({ short: "-h", long: "--help", takesValue: false });
    return super.parseOptions(goFlags(args, flags, this.#endsAtArgument()));
  }

  override passThroughOptions(passThrough = true): this {
    this.#passesThrough = passThrough;
    return super.passThroughOptions(passThrough);
  }

  /** Nouns and verbs read their own flags; a program that is to be run keeps its own. */
  #endsAtArgument(): boolean {
    return this.#passesThrough || this.commands.length > 0;
  }
}

function isFlag(word: string): boolean {
  return word.length > 1 && word.startsWith("-");
}

/** The flag that a word names, if any, by the name to be used for it, and the value behind `=`. */
function recognise(
  word: string,
  flags: readonly FlagShape[],
): { readonly flag: FlagShape | undefined; readonly name: string; readonly value: string | undefined } {
  const equals = word.indexOf("=");
  const name = equals < 0 ? word : word.slice(0, equals);
  const value = equals < 0 ? undefined : word.slice(equals + 1);
  for (const spelling of [name, `-${name}`]) {
    const flag = isFlag(word) ? flags.find(({ short, long }) => short === spelling || long === spelling) : undefined;
    if (flag !== undefined) return { flag, name: spelling, value };
  }
  return { flag: undefined, name, value };
}
