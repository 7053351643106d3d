// Every noun, verb, alias and flag that the real `ctr` tells of in its help is there in `berth`, with the same default and the same
// environment variables; or a table in docs/compatibility.md says why not. What that table excuses without need fails, too.
import { readFile } from "node:fs/promises";
import type { Command, Option } from "commander";
import { beforeAll, describe, expect, test } from "vitest";
import { COMMANDS, GROUPS } from "../../cmd/berth/commands/index.js";
import { createProgram } from "../../cmd/berth/program.js";
import { type HelpCommand, type HelpFlag, walkCtrHelp } from "../helpers/ctr-help.js";
import { ownProgram } from "../helpers/own-program.js";
import { runProgram } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";

const PAGE = new URL("../../docs/compatibility.md", import.meta.url);

/** The commands of `berth` with all of their flags, which commander otherwise gives to the chosen one alone. */
async function berthProgram(): Promise<Command> {
  const program = createProgram("0", { chosen: () => {}, run: async () => {} });
  const find = (parent: Command, name: string): Command => {
    const found = parent.commands.find((command) => command.name() === name);
    if (found === undefined) throw new Error(`${name} is not below ${parent.name()}`);
    return found;
  };
  for (const entry of COMMANDS) (await entry.load()).command.configure(find(program, entry.name));
  for (const group of GROUPS) {
    const noun = find(program, group.name);
    for (const entry of group.verbs) (await entry.load()).command.configure(find(noun, entry.name));
  }
  return program;
}

function findCommand(program: Command, path: readonly string[]): Command | undefined {
  let found: Command | undefined = program;
  for (const name of path) {
    const below: Command | undefined = found?.commands.find(
      (command) => command.name() === name || command.aliases().includes(name),
    );
    // What is a command below another in ctr may be its argument here.
    const isArgument: boolean = found?.registeredArguments[0]?.argChoices?.includes(name) === true;
    found = below ?? (isArgument ? found : undefined);
  }
  return found;
}

/** What of a command is not there, each as it would stand in the table of excuses. */
function lacking(program: Command, { path, aliases, flags }: HelpCommand): string[] {
  const name = ["ctr", ...path].join(" ");
  // What becomes of it, a test of its own sees.
  if (path.at(-1) === "help") return [];
  const command = findCommand(program, path);
  if (command === undefined) return [name];
  const missing = aliases
    .filter((alias) => findCommand(program, [...path.slice(0, -1), alias]) !== command)
    .map((alias) => [...["ctr", ...path.slice(0, -1)], alias].join(" "));
  return [...missing, ...flags.flatMap((flag) => lackingFlag(command, flag).map((what) => `${name} ${what}`))];
}

function lackingFlag(command: Command, flag: HelpFlag): string[] {
  if (flag.names.includes("--help")) return [];
  const options = flag.names.map((name) => command.options.find(({ short, long }) => short === name || long === name));
  const missing = flag.names.filter((_, at) => options[at] === undefined);
  const option = options.find((found) => found !== undefined);
  if (option === undefined || missing.length > 0) return missing;
  const takesValue = option.required || option.optional;
  return [
    ...(takesValue === flag.takesValue ? [] : [`${flag.names[0]} (value)`]),
    ...(flag.default === undefined || isDefault(option, flag.default) ? [] : [`${flag.names[0]} (default)`]),
    ...flag.variables
      .filter((name) => !option.description.includes(`$${name}`))
      .map((name) => `${flag.names[0]} $${name}`),
  ];
}

function isDefault({ defaultValue, defaultValueDescription, description }: Option, wanted: string): boolean {
  return (
    (defaultValueDescription ?? String(defaultValue)) === wanted ||
    description.replace(/\)$/, "").endsWith(`default: ${wanted}`)
  );
}

/** First cells of the table whose title row begins with "`ctr` has". */
async function excuses(): Promise<string[]> {
  const page = await readFile(PAGE, "utf8");
  const table = /^\| `ctr` has .*\n\| ---.*\n((?:\|.*\n)*)/m.exec(page)?.[1] ?? "";
  return [...table.matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, what = ""]) => what),
  );
}

describe.skipIf(requires.binary("ctr"))("the help of ctr", () => {
  let commands: readonly HelpCommand[];
  let program: Command;

  beforeAll(async () => {
    commands = await walkCtrHelp();
    program = await berthProgram();
  });

  test("was read to its ends", () => {
    expect(commands.length).toBeGreaterThan(85);
    expect(commands.flatMap(({ flags }) => flags).length).toBeGreaterThan(280);
    const prune = commands.find(({ path }) => path.join(" ") === "content prune references");
    expect(prune?.flags.map(({ names }) => names[0])).toEqual(expect.arrayContaining(["--async", "--dry"]));
  });

  test.each([["h"], ["help", "tasks", "ls"], ["t", "h", "ls"], ["c", "help"]])(
    "is asked for by %s too",
    async (...words) => {
      const answers = await Promise.all(
        [words, [...words.filter((word) => !["h", "help"].includes(word)), "--help"]].map(async (args) => {
          const [file, ...first] = ownProgram("berth");
          return await runProgram(file, [...first, ...args]);
        }),
      );
      expect(answers[0]).toEqual(answers[1]);
      expect(answers[0]).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Usage: berth/) });
    },
  );

  test("names nothing that berth lacks without an excuse, and nothing is excused that is there", async () => {
    const missing = commands.flatMap((command) => lacking(program, command));
    expect([...missing].sort()).toEqual([...(await excuses())].sort());
  });
});
