// Every check that needs no running container, one line each: format and lint, types, promise rules, room rules, dead code,
// protos, generated code, exports, reference, lockfile. All of them run; the first failures are printed whole. `check.mjs NAME…` runs just those.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { surface } from "./api-surface.mjs";
import { cliDocs } from "./docs-cli.mjs";
import { generate } from "./generate.mjs";
import { main, must, packageBinary, ROOT, run, StepError, say } from "./steps.mjs";

/** Folders with our TypeScript. oxlint is told their names, or it walks node_modules. */
const FOLDERS = ["api/core", "api/client", "metadata", "runtime", "services", "cmd", "test"];
const PROMISE_RULES = ["no-floating-promises", "no-misused-promises", "await-thenable", "switch-exhaustiveness-check"];
/** With a compiler it does not know dependency-cruiser reads nothing and is content; fewer modules than this is a failure. */
const FEWEST_MODULES = 20;

const present = () => FOLDERS.filter((folder) => existsSync(join(ROOT, folder)));

/** Runs a tool of npm's; its output is printed only when it fails. @param {string} name @param {string[]} args */
const tool = (name, args) => must(packageBinary(name), args, { quiet: true, env: { NO_COLOR: "1" } });

async function checkRooms() {
  const args = ["--config", ".dependency-cruiser.cjs", "--output-type", "json", ...present(), "scripts"];
  const env = { NODE_OPTIONS: `--import=${join(ROOT, "scripts", "swc-using.mjs")}` };
  const { output } = await run(packageBinary("depcruise"), args, { quiet: true, env });
  /** @type {{ summary: { totalCruised: number, violations: { from: string, to: string, rule: { name: string, severity: string } }[] } }} */
  let report;
  try {
    report = JSON.parse(output);
  } catch {
    throw new StepError(`dependency-cruiser did not report: ${output.slice(0, 2000)}`);
  }
  const { totalCruised, violations } = report.summary;
  if (totalCruised < FEWEST_MODULES) throw new StepError(`dependency-cruiser read only ${totalCruised} modules`);
  const errors = violations.filter(({ rule }) => rule.severity === "error");
  if (errors.length > 0) {
    throw new StepError(errors.map(({ from, to, rule }) => `${from} -> ${to}: ${rule.name}`).join("\n"));
  }
  return `${totalCruised} modules`;
}

async function checkGenerated() {
  const differing = await generate(false);
  if (differing.length > 0) {
    throw new StepError(`api/gen differs from what the protos generate (${differing.join(", ")}): npm run generate`);
  }
}

async function checkSurface() {
  const differing = await surface(false);
  if (differing.length > 0)
    throw new StepError(
      `what the package exports differs from docs/api (${differing.join(", ")}): npm run api-surface`,
    );
}

async function checkCliDocs() {
  const differing = await cliDocs(false);
  if (differing.length > 0) {
    throw new StepError(`the reference differs from the commands (${differing.join(", ")}): npm run docs:cli`);
  }
}

/** @type {Record<string, () => Promise<unknown>>} */
const CHECKS = {
  lockfile: () => must("node", ["scripts/complete-lockfile.mjs", "--check"], { quiet: true }),
  biome: () => tool("biome", ["ci", "--colors=off", "--max-diagnostics=200"]),
  types: () => tool("tsc", ["--noEmit"]),
  promises: () =>
    tool("oxlint", [
      "--type-aware",
      "-A",
      "all",
      ...PROMISE_RULES.flatMap((rule) => ["-D", `typescript/${rule}`]),
      ...present(),
    ]),
  rooms: checkRooms,
  "dead code": () => tool("knip", ["--no-progress"]),
  "buf lint": async () => {
    for (const root of [".", "api/proto-2017"]) await tool("buf", ["lint", root]);
  },
  generated: checkGenerated,
  "api surface": checkSurface,
  "cli docs": checkCliDocs,
};

await main(async () => {
  const wanted = process.argv.slice(2);
  const unknown = wanted.filter((name) => !(name in CHECKS));
  if (unknown.length > 0)
    throw new StepError(`no check named ${unknown.join(", ")}: there are ${Object.keys(CHECKS).join(", ")}`);
  const failed = [];
  for (const [name, check] of Object.entries(CHECKS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const startedMs = performance.now();
    let verdict = "ok";
    try {
      const told = await check();
      if (name === "rooms") verdict = `ok (${told})`;
    } catch (error) {
      if (!(error instanceof StepError)) throw error;
      process.stderr.write(`${error.message}\n`);
      failed.push(name);
      verdict = "FAILED";
    }
    say(`${name}: ${verdict}, ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  }
  if (failed.length > 0) throw new StepError(`check failed: ${failed.join(", ")}`);
  say("check passed");
});
