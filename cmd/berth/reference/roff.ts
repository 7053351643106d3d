// packaging/man/berth.1: the manual page, in the macros of man(7).
import { EXIT_CLASSES } from "../exit-status.js";
import { blocksOf } from "./blocks.js";
import type { Described, DescribedCommand, DescribedOption } from "./describe.js";

const ENVIRONMENT: readonly (readonly [string, string])[] = [
  [
    "BERTH_ADDRESS, CONTAINERD_ADDRESS",
    "The daemon's socket, where --address is not given; the first that is set counts.",
  ],
  ["BERTH_NAMESPACE, CONTAINERD_NAMESPACE", "The namespace, where --namespace is not given."],
  ["BERTH_DETACH_KEYS", "The keys that leave a process running, where --detach-keys is not given."],
  ["NO_COLOR", "When it is set to anything, nothing is coloured."],
  ["EDITOR, VISUAL", "What opens for commands that edit."],
];

const FILES: readonly (readonly [string, string])[] = [
  ["/run/berth/berth.sock", "Root's daemon listens there."],
  ["$XDG_RUNTIME_DIR/berth/berth.sock", "Any other user's daemon listens there."],
  ["~/.docker/config.json", "Credentials of registries."],
];

export function renderRoff({ options, commands, nouns }: Described, version: string): string {
  return [
    '.\\" Made of the definitions in cmd/berth by "npm run docs:cli".',
    `.TH BERTH 1 "" "berth ${version}" "Berth"`,
    ".SH NAME",
    "berth \\- run containers and look after them, on berthd or containerd",
    ".SH SYNOPSIS",
    ".B berth",
    `.RI [ options ] " noun verb " [ options ] " " [ arguments ]`,
    ".SH DESCRIPTION",
    ...paragraph(
      "Nouns, verbs and flags are those of containerd's ctr, and flags may be spelt as Go spells them. Commands that print records take --format table|wide|json|jsonl, --fields and -q; those that show what changes take --watch. Colours and moving displays appear on terminals only.",
    ),
    ...paragraph(
      "A failure is one line on the standard error output that begins with berth:, and often a second one that begins with hint: and says what to do next. With a JSON format it is one line of JSON instead.",
    ),
    ".SH OPTIONS",
    ...optionList(options),
    ".SH COMMANDS",
    ...commands.flatMap(renderCommand),
    ...nouns.flatMap((noun) => [...optionsOfNoun(noun.name, noun.options), ...noun.verbs.flatMap(renderCommand)]),
    ".SH EXIT STATUS",
    ...EXIT_CLASSES.flatMap(({ status, means }) => [".TP", `.B ${status}`, roff(means)]),
    ".SH ENVIRONMENT",
    ...ENVIRONMENT.flatMap(([name, means]) => [".TP", `.B ${roff(name)}`, roff(means)]),
    ".SH FILES",
    ...FILES.flatMap(([name, means]) => [".TP", `.I ${roff(name)}`, roff(means)]),
    ".SH SEE ALSO",
    "containerd(8), runc(8), ctr(8)",
    "",
  ].join("\n");
}

function optionsOfNoun(name: string, options: readonly DescribedOption[]): string[] {
  return options.length === 0 ? [] : [`.SS berth ${roff(name)}`, "Before the verb:", ...optionList(options)];
}

function renderCommand({ path, aliases, summary, usage, options, help, examples }: DescribedCommand): string[] {
  const other = aliases.length === 0 ? "" : ` (also: ${aliases.join(", ")})`;
  const lines = [`.SS berth ${roff(path)}`, `${roff(summary)}${roff(other)}`, ...literal([usage])];
  for (const block of blocksOf(help ?? "")) {
    lines.push(...(block.isLiteral ? literal(block.lines) : paragraph(block.lines.join(" "))));
  }
  lines.push(...optionList(options));
  for (const { line, does } of examples) lines.push(...paragraph(`${does}:`), ...literal([line]));
  return lines;
}

const optionList = (options: readonly DescribedOption[]): string[] =>
  options.flatMap(({ flags, text }) => [".TP", `.B ${roff(flags)}`, roff(text)]);

const paragraph = (text: string): string[] => [".PP", roff(text)];

const literal = (lines: readonly string[]): string[] => [".PP", ".RS 4", ".nf", ...lines.map(roff), ".fi", ".RE"];

/** Text that is no request: backslashes and dashes as they are, no dot or quote at the beginning of a line. */
function roff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("\n", " ")
    .replace(/^(?=[.'])/, "\\&");
}
