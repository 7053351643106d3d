// No reply and no event leaves before the sync that covers its commit. The witness is the kernel, by strace, where strace is
// installed; elsewhere the program's own account of its syncs.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { hasProgram } from "../helpers/has-program.js";
import { tempDir } from "../helpers/temp.js";

const WRITER = fileURLToPath(new URL("./durability-writer.ts", import.meta.url));
const WRITES = 60;

let scope: DisposeScope;
let folder: string;

beforeEach(async () => {
  scope = new DisposeScope();
  folder = await tempDir(scope);
});

afterEach(() => scope[Symbol.asyncDispose]());

interface Step {
  readonly what: "COMMITTED" | "REPLY" | "EVENT" | "SYNC BEGIN" | "SYNC END";
  /** The container, or the thread that syncs. */
  readonly who: string;
}

const runWriter = (command: readonly string[]) =>
  promisify(execFile)(command[0] ?? "", [
    ...command.slice(1),
    process.execPath,
    "--import",
    "tsx",
    WRITER,
    join(folder, "store"),
  ]);

const SAID = /^(COMMITTED|REPLY|EVENT) (c\d+)$/;

/** What the program said of itself, one line each. */
async function ownAccount(): Promise<Step[]> {
  const { stdout } = await runWriter(["env"]);
  return stdout
    .trim()
    .split("\n")
    .map((line) => {
      const [, what, who] = SAID.exec(line) ?? [];
      return (what === undefined ? { what: line, who: "itself" } : { what, who }) as Step; // the writer says nothing else
    });
}

/** What the kernel saw: syncs of the WAL that began and that succeeded, among the lines the program wrote. */
async function kernelAccount(): Promise<Step[]> {
  const trace = join(folder, "trace");
  await runWriter(["strace", "-f", "--seccomp-bpf", "-y", "-e", "trace=fdatasync,write", "-o", trace]);
  const steps: Step[] = [];
  for (const line of (await readFile(trace, "utf8")).split("\n")) {
    const [thread = "", call = ""] = line.split(/ +(.*)/);
    const [, what, who] = /^write\(1[<,].*"(COMMITTED|REPLY|EVENT) (c\d+)\\n"/.exec(call) ?? [];
    if (what !== undefined) steps.push({ what, who } as Step);
    if (/^fdatasync\(.*-wal>/.test(call)) steps.push({ what: "SYNC BEGIN", who: thread });
    if (/^(?:fdatasync\(.*-wal>|<\.\.\. fdatasync resumed>).*= 0$/.test(call))
      steps.push({ what: "SYNC END", who: thread });
  }
  return steps;
}

test("no reply and no event precedes its sync", async () => {
  const steps = await (hasProgram("strace") ? kernelAccount() : ownAccount());
  const committed = new Set<string>();
  const durable = new Set<string>();
  const syncing = new Map<string, readonly string[]>();
  const early: Step[] = [];
  for (const step of steps) {
    if (step.what === "COMMITTED") committed.add(step.who);
    else if (step.what === "SYNC BEGIN") syncing.set(step.who, [...committed]);
    else if (step.what === "SYNC END") for (const id of syncing.get(step.who) ?? []) durable.add(id);
    else if (!durable.has(step.who)) early.push(step);
  }
  expect(early).toEqual([]);
  const count = (what: Step["what"]) => steps.filter((step) => step.what === what).length;
  expect([count("COMMITTED"), count("REPLY"), count("EVENT")]).toEqual([WRITES, WRITES, WRITES]);
  // One for each write alone, and fewer than one for each of those at once.
  expect(count("SYNC END")).toBeLessThan(WRITES);
});
