// `npm run bench`: berthd beside a real containerd, on the same machine, in turn. `--quick` does less of everything.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DisposeScope } from "../../api/core/dispose.js";
import { createCli } from "../helpers/cli.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { syncLatencyMs } from "./disk.js";
import { benchRecords } from "./records.js";
import { benchRuns } from "./runs.js";
import { figure, printTable } from "./table.js";

const FULL = { rounds: 5, records: 1000, runs: 10 };
const QUICK = { rounds: 3, records: 400, runs: 4 };
const CALLERS = [1, 8, 64];

async function main(args: readonly string[]): Promise<void> {
  const unknown = args.filter((arg) => arg !== "--quick");
  if (unknown.length > 0) throw new Error(`unknown argument ${unknown.join(" ")}; there is only --quick`);
  if (!existsSync(fileURLToPath(new URL("../../dist/.built", import.meta.url)))) {
    throw new Error("dist is missing; `npm run bench` builds it first");
  }
  // What users run.
  process.env["BERTH_PROGRAMS"] = "dist";
  const size = args.includes("--quick") ? QUICK : FULL;
  await using scope = new DisposeScope();
  const namespaces = [freshNamespace(scope), freshNamespace(scope)];
  const dir = await tempDir(scope);
  const rootfs = await makeRootfs(join(dir, "rootfs"));
  const containerd = await startContainerd(scope);
  const berthd = await startBerthd(scope, { args: ["--log-level", "info"] });
  const syncBeforeMs = await syncLatencyMs(dir);

  console.log(`records: ${size.records} of 6 KB, medians of ${size.rounds} rounds`);
  const records = await benchRecords({
    engines: [containerd, berthd],
    rounds: size.rounds,
    count: size.records,
    callers: CALLERS,
  });
  console.log(`run --rm: ${size.runs * size.rounds} of each, medians`);
  const [theirNamespace = "", ourNamespace = ""] = namespaces;
  const runs = await benchRuns({
    runners: [
      { name: "ctr on containerd", cli: createCli("ctr", containerd, theirNamespace) },
      { name: "ctr run --rm", cli: createCli("ctr", berthd, ourNamespace) },
      { name: "berth run --rm", cli: createCli("berth", berthd, ourNamespace) },
    ],
    rootfs,
    rounds: size.rounds,
    count: size.runs,
  });
  const syncAfterMs = await syncLatencyMs(dir);
  console.log(`fdatasync on this disk: ${figure(syncBeforeMs)} ms before, ${figure(syncAfterMs)} ms after`);
  console.log(`ratio above 1: berthd is ahead\n`);
  printTable([...records, ...runs]);
}

await main(process.argv.slice(2));
