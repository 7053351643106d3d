// docs/cli.md: every command, on one page.
import { EXIT_CLASSES } from "../exit-status.js";
import { blocksOf } from "./blocks.js";
import type { Described, DescribedCommand, DescribedNoun, DescribedOption } from "./describe.js";

const HEAD = `# The command line

<!-- Made of the definitions in cmd/berth by \`npm run docs:cli\`. -->

\`berth [options] <noun> <verb>\`. Nouns, verbs and flags are those of containerd's \`ctr\`, and work on berthd and on containerd; what goes
beyond them says so. Flags may be spelt as Go spells them (\`-rm\`, \`--tty=false\`).

- \`--format table|wide|json|jsonl\` is understood by whatever prints records. \`--fields id,labels.team\` picks members of the JSON form, in
  every format; \`-q\` prints ids only; \`--watch\` shows it again and again, in place on a terminal.
- A failure is a line \`berth: …\` on stderr, and often a line \`hint: …\` that says what to do next; with a JSON format it is one line,
  \`{"error":{"kind":…,"message":…,"hint":…}}\`. The exit status tells its class.
- Colours and moving displays appear on terminals only; \`NO_COLOR\` and \`--color never\` take the colours away.
- \`eval "$(berth completion bash)"\`, or zsh, or fish, completes nouns, verbs, flags, and names that the daemon knows.`;

export function renderMarkdown({ options, commands, nouns }: Described): string {
  const parts = [
    HEAD,
    `## Options of all commands\n\n${optionTable(options)}`,
    `## Exit status\n\n| status | means | kinds of errors |\n| --- | --- | --- |\n${EXIT_CLASSES.map(
      ({ status, means, kinds = [] }) =>
        `| ${status} | ${plain(means)} | ${kinds.map((kind) => `\`${kind}\``).join(", ")} |`,
    ).join("\n")}`,
    contents(commands, nouns),
    ...commands.map((command) => renderCommand(command, "##")),
    ...nouns.map(renderNoun),
  ];
  return `${parts.join("\n\n")}\n`;
}

function contents(commands: readonly DescribedCommand[], nouns: readonly DescribedNoun[]): string {
  const link = ({ path }: DescribedCommand, name: string): string => `[${name}](#berth-${path.replaceAll(" ", "-")})`;
  const rows = nouns.map(({ name, aliases, verbs }) => {
    const names = verbs.map((verb) => link(verb, verb.path.slice(name.length + 1)));
    return `| ${[name, ...aliases].join(", ")} | ${names.join(", ")} |`;
  });
  const single = commands.map((command) => link(command, command.path)).join(", ");
  return `## Commands\n\n${single}\n\n| noun | verbs |\n| --- | --- |\n${rows.join("\n")}`;
}

function renderNoun({ name, summary, options, verbs }: DescribedNoun): string {
  const own = options.length === 0 ? [] : [`Before the verb:\n\n${optionTable(options)}`];
  const parts = [`## berth ${name}`, `${plain(sentence(summary))}`, ...own];
  return [...parts, ...verbs.map((verb) => renderCommand(verb, "###"))].join("\n\n");
}

function renderCommand(
  { path, aliases, summary, usage, options, help, examples }: DescribedCommand,
  level: string,
): string {
  const other = aliases.length === 0 ? "" : ` Also: ${aliases.map((alias) => `\`${alias}\``).join(", ")}.`;
  const parts = [`${level} berth ${path}`, `${plain(sentence(summary))}${other}`, `\`${usage}\``];
  for (const { isLiteral, lines } of blocksOf(help ?? "")) {
    parts.push(isLiteral ? fence(lines) : lines.map(plain).join("\n"));
  }
  if (examples.length > 0) parts.push(fence(examples.flatMap(({ line, does }) => [`# ${does}`, line])));
  if (options.length > 0) parts.push(optionTable(options));
  return parts.join("\n\n");
}

const fence = (lines: readonly string[]): string => `\`\`\`sh\n${lines.join("\n")}\n\`\`\``;

function optionTable(options: readonly DescribedOption[]): string {
  const rows = options.map(({ flags, text }) => `| \`${flags.replaceAll("|", "\\|")}\` | ${plain(text)} |`);
  return `| option | |\n| --- | --- |\n${rows.join("\n")}`;
}

const sentence = (summary: string): string => `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;

const plain = (text: string): string => text.replaceAll(/[\\`*_<>[\]|]/g, String.raw`\$&`).replaceAll("\n", " ");
