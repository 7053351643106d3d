// What may come next on the command line: nouns, verbs, flags, their values, and names that the daemon knows. Called by the shells at
// every press of a key, as `berth __complete -- WORD... CURRENT`, so it is quick, and silent when it knows nothing.
import type { Command as CommanderCommand, Option } from "commander";
import { addressOf, namespaceOf } from "../address.js";
import type { Command, CommandEntry, Completion } from "../command.js";
import { COMMANDS, GROUPS } from "../commands/index.js";
import { createProgram, type GlobalFlags } from "../program.js";
import type { Candidate } from "./names.js";

/** The shell itself knows names of files. */
export const FILES = ":file";

/** What the daemon is asked must be answered within that. */
const PATIENCE_MS = 1_000;

/** The lines for the shell: a candidate each, with a tab in front of what it is, or {@link FILES}. */
export async function complete(words: readonly string[]): Promise<string[]> {
  try {
    const found = await candidates(words.slice(0, -1), words.at(-1) ?? "");
    return found === "file"
      ? [FILES]
      : found.map(({ value, about = "" }) => (about === "" ? value : `${value}\t${about.replaceAll(/\s+/g, " ")}`));
  } catch {
    return [];
  }
}

async function candidates(before: readonly string[], current: string): Promise<readonly Candidate[] | "file"> {
  const program = createProgram("", { chosen: () => {}, run: async () => {} });
  const place = await placeOf(program, before);
  const starting = (all: readonly Candidate[]): Candidate[] => all.filter(({ value }) => value.startsWith(current));
  if (place.pending !== undefined) {
    const values = await valuesOf(place.pending, place);
    return values === "file" ? values : starting(values);
  }
  const assigned = /^(--?[^=]+)=(.*)$/s.exec(current);
  if (assigned !== null && place.takesFlags) {
    const option = optionsAt(place).find((one) => one.long === assigned[1] || one.short === assigned[1]);
    const values = option === undefined ? [] : await valuesOf(option, place);
    return values === "file"
      ? values
      : starting(values.map((one) => ({ ...one, value: `${assigned[1]}=${one.value}` })));
  }
  if (current.startsWith("-") && place.takesFlags) {
    return starting(
      optionsAt(place).flatMap(({ long, description }) => (long ? [{ value: long, about: description }] : [])),
    );
  }
  const { command, commander } = place;
  if (command === undefined) {
    return starting(
      commander.commands
        .filter((one) => !one.name().startsWith("_"))
        .map((one) => ({ value: one.name(), about: one.description() })),
    );
  }
  const kind = command.completes(place.args.length);
  if (kind === "file") return "file";
  const names = await namesOf(kind, place);
  return starting(names.filter(({ value }) => !place.args.includes(value)));
}

/** Where on the command line one is. */
interface Place {
  readonly commander: CommanderCommand;
  /** The noun's and the program's own flags count as well. */
  readonly globals: Readonly<GlobalFlags>;
  readonly command: Command | undefined;
  readonly args: readonly string[];
  /** The flag whose value comes next. */
  readonly pending: Option | undefined;
  /** False where words belong to the program that is to be run. */
  readonly takesFlags: boolean;
}

async function placeOf(program: CommanderCommand, words: readonly string[]): Promise<Place> {
  let commander = program;
  let entries: readonly (CommandEntry & { readonly verbs?: undefined })[] = COMMANDS;
  let [command, pending]: [Command | undefined, Option | undefined] = [undefined, undefined];
  let takesFlags = true;
  const globals: { address?: string; namespace?: string } = {};
  const args: string[] = [];
  const set = (option: Option, value: string): void => {
    const name = option.attributeName();
    if (commander === program && (name === "address" || name === "namespace")) globals[name] = value;
  };
  for (const word of words) {
    if (pending !== undefined) {
      set(pending, word);
      pending = undefined;
    } else if (takesFlags && word === "--") {
      takesFlags = false;
    } else if (takesFlags && word.startsWith("-") && word.length > 1) {
      const [name = "", value] = split(word);
      const option = commander.options.find(
        (one) => one.short === name || one.long === name || one.long === `-${name}`,
      );
      if (option === undefined || !(option.required || option.optional)) continue;
      if (value === undefined) pending = option;
      else set(option, value);
    } else if (command === undefined) {
      const next = commander.commands.find((one) => one.name() === word || one.aliases().includes(word));
      if (next === undefined) throw new Error(`no command ${word}`);
      const entry = entries.find((one) => one.name === next.name());
      entries = GROUPS.find((group) => commander === program && group.name === next.name())?.verbs ?? [];
      commander = next;
      if (entry !== undefined) {
        ({ command } = await entry.load());
        command.configure(commander);
      }
    } else {
      args.push(word);
      if (command.passesThrough) takesFlags = false;
    }
  }
  return { commander, globals, command, args, pending, takesFlags };
}

function split(word: string): [string, string | undefined] {
  const at = word.indexOf("=");
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

const optionsAt = ({ commander }: Place): readonly Option[] => commander.options.filter(({ hidden }) => !hidden);

/** What a flag may be given. */
async function valuesOf(option: Option, place: Place): Promise<readonly Candidate[] | "file"> {
  if (option.argChoices !== undefined) return option.argChoices.map((value) => ({ value }));
  const kind = kindOfFlag(option);
  return kind === "file" ? "file" : await namesOf(kind, place);
}

/** By what the flag is called, and what stands for its value. */
function kindOfFlag({ long, flags }: Option): Completion | "signal" {
  if (long === "--namespace" || long === "--exec-id" || long === "--signal") {
    return long === "--namespace" ? "namespace" : long === "--exec-id" ? "exec" : "signal";
  }
  return /<(file|path|dir|folder|socket|uri)/i.test(flags) ? "file" : "none";
}

async function namesOf(kind: Completion | "signal", place: Place): Promise<Candidate[]> {
  const { names } = await import("./names.js");
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const where = {
    address: addressOf(place.globals.address, process.env),
    namespace: namespaceOf(place.globals.namespace, process.env),
  };
  return await names(kind, { ...where, signal, args: place.args });
}
