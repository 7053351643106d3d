// Every command says what it is for: examples that parse, arguments that shells can complete, a page that readers of manuals can print.
import { expect, test } from "vitest";
import { createProgram } from "../program.js";
import { blocksOf } from "./blocks.js";
import { type DescribedCommand, describeProgram } from "./describe.js";
import { renderMarkdown } from "./markdown.js";
import { renderRoff } from "./roff.js";

const described = await describeProgram();
const all = [...described.commands, ...described.nouns.flatMap(({ verbs }) => verbs)];
const examples = all.flatMap(({ path, examples: own }) => own.map(({ line }) => ({ path, line })));

test.each(all)("berth $path has examples and a summary", ({ path, summary, examples: own }) => {
  expect(summary).not.toBe("");
  expect(own.length).toBeGreaterThan(0);
  for (const { line, does } of own) {
    expect(line).toContain("berth ");
    expect(does).not.toBe("");
  }
  expect(path).toBe(path.trim());
});

test.each(examples)("$line is understood", async ({ path, line }) => {
  const ran: string[] = [];
  for (const words of callsIn(line)) {
    const program = createProgram("1", {
      chosen: () => {},
      run: async (_command, _flags, commander) => void ran.push(`${commander.parent?.name()} ${commander.name()}`),
    });
    await program.exitOverride().parseAsync(words, { from: "user" });
  }
  // Some stand by themselves as well as below their noun.
  expect(ran.map((one) => one.split(" ").at(-1))).toContain(path.split(" ").at(-1));
});

test("the page of each command is on the one page, once", () => {
  const text = renderMarkdown(described);
  for (const { path } of all) expect(text.split(`# berth ${path}\n`)).toHaveLength(2);
});

test("the manual is well-formed roff", () => {
  const lines = renderRoff(described, "1.2.3").trimEnd().split("\n");
  const requests = new Set<string>();
  let [depth, isLiteral] = [0, false];
  for (const line of lines) {
    expect(line).not.toMatch(/^'|\t|[^\P{Cc}]/u);
    if (!line.startsWith(".")) continue;
    const [request = ""] = line.split(" ");
    requests.add(request);
    if (request === ".RS") depth += 1;
    if (request === ".RE") depth -= 1;
    if (request === ".nf" || request === ".fi") {
      expect(isLiteral).toBe(request === ".fi");
      isLiteral = request === ".nf";
    }
    expect(depth).toBeGreaterThanOrEqual(0);
  }
  expect(depth).toBe(0);
  expect([...requests].sort()).toEqual(
    ['.\\"', ".B", ".I", ".PP", ".RE", ".RI", ".RS", ".SH", ".SS", ".TH", ".TP", ".fi", ".nf"].sort(),
  );
  const sections = lines.filter((line) => line.startsWith(".SH ")).map((line) => line.slice(4));
  expect(sections.slice(0, 3)).toEqual(["NAME", "SYNOPSIS", "DESCRIPTION"]);
  expect(sections).toContain("EXIT STATUS");
  // Dashes are typed, so they are no hyphens; of a backslash only these are written.
  for (const line of lines.filter((one) => !/^\.(TH|\\")/.test(one))) {
    expect(line.replaceAll(/\\[-e&]/g, "")).not.toMatch(/[\\-]/);
  }
});

test("help is paragraphs and lines that stay as they are", () => {
  expect(blocksOf("One\ntwo.\n\nThree:\n\n  berth a\n  berth b\n\nFour")).toEqual([
    { isLiteral: false, lines: ["One", "two."] },
    { isLiteral: false, lines: ["Three:"] },
    { isLiteral: true, lines: ["berth a", "berth b"] },
    { isLiteral: false, lines: ["Four"] },
  ]);
});

test("what arguments name is said for as many as there are", () => {
  const said = ({ command, usage }: DescribedCommand): number =>
    [0, 1, 2, 3].filter((at) => command.completes(at) !== "none" && !/[<[]/.test(usage.replace("[options]", "")))
      .length;
  expect(all.filter((one) => said(one) > 0).map(({ path }) => path)).toEqual([]);
});

/** The calls of berth in a line of shell. */
function callsIn(line: string): string[][] {
  const quoted: string[] = [];
  // What is quoted is one word, except where it is a command itself.
  const plain = line.replaceAll(/'[^']*'|"(?!\$\()[^"]*"/g, (text) => `@${quoted.push(text.slice(1, -1)) - 1}@`);
  const parts = plain.split(/[|;]\s*|\$\(|\)|&&|\bdo\b/).map((part) => part.trim().replace(/^ssh host /, ""));
  return parts
    .filter((part) => part.startsWith("berth "))
    .map((part) => {
      const words = part.split(/\s+/);
      const end = words.findIndex((word) => /^[<>]/.test(word));
      const own = words.slice(1, end < 0 ? undefined : end);
      return own.map((word) => word.replaceAll(/@(\d+)@/g, (_, at: string) => quoted[Number(at)] ?? ""));
    });
}
