// The long form of the crash tests: `npm run test:crash [-- --kills N] [-- --seed N]`, with `--pulls N` so many kills amid pulls.
// Prints the seed first; ends with 1 when anything was lost, told twice or left behind.
import { parseArgs } from "node:util";
import { DisposeScope } from "../../api/core/dispose.js";
import { seeded } from "../helpers/random.js";
import { runCrashes } from "./harness.js";
import { runPullCrashes } from "./pulls.js";

const { values } = parseArgs({
  options: { kills: { type: "string", default: "200" }, pulls: { type: "string" }, seed: { type: "string" } },
});
const random = values.seed === undefined ? seeded() : seeded(Number(values.seed));
const say = (line: string): void => void process.stdout.write(`${line}\n`);
say(`seed ${random.seed}`);
const scope = new DisposeScope();
try {
  if (values.pulls !== undefined) {
    const { pulls, removals, faults } = await runPullCrashes(scope, { kills: Number(values.pulls), random, say });
    for (const fault of faults) say(`fault: ${fault}`);
    say(`${values.pulls} kills, ${pulls} pulls, ${removals} removals: ${faults.length} faults`);
    process.exitCode = faults.length === 0 ? 0 : 1;
  } else await runMixedLoad();
} finally {
  await scope[Symbol.asyncDispose]();
}

async function runMixedLoad(): Promise<void> {
  const report = await runCrashes(scope, { kills: Number(values.kills), random, say });
  for (const fault of report.faults) say(`fault: ${fault}`);
  const { kills, calls, containers, processes, faults } = report;
  say(`${kills} kills, ${calls} calls, ${containers} containers, ${processes} processes: ${faults.length} faults`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
