// `npm run bench`: berthd beside a real containerd, on the same machine, in turn. `--quick` does less of everything.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Cli, createCli } from "../helpers/cli.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { syncLatencyMs } from "./disk.js";
import { benchImages } from "./images.js";
import { benchProcesses } from "./processes.js";
import { benchRecords } from "./records.js";
import { benchRuns, type Runner } from "./runs.js";
import { benchStarts } from "./starts.js";
import { figure, printTable, type Row } from "./table.js";

const FULL = { rounds: 5, imageRounds: 3, records: 1000, runs: 10, files: 30_000, largeBytes: 500_000_000 };
const QUICK = { rounds: 3, imageRounds: 3, records: 400, runs: 4, files: 6_000, largeBytes: 100_000_000 };
const GROUPS = ["records", "starts", "runs", "processes", "images"] as const;
const CALLERS = [1, 8, 64];

async function main(args: readonly string[]): Promise<void> {
  const wanted = GROUPS.filter((group) => args.includes(group));
  const unknown = args.filter((arg) => arg !== "--quick" && !wanted.some((group) => group === arg));
  if (unknown.length > 0) {
    throw new Error(`unknown argument ${unknown.join(" ")}; there are --quick and ${GROUPS.join(", ")}`);
  }
  if (!existsSync(fileURLToPath(new URL("../../dist/.built", import.meta.url)))) {
    throw new Error("dist is missing; `npm run bench` builds it first");
  }
  // What users run.
  process.env["BERTH_PROGRAMS"] = "dist";
  const size = args.includes("--quick") ? QUICK : FULL;
  const groups = new Set(wanted.length === 0 ? GROUPS : wanted);
  await using scope = new DisposeScope();
  const [theirNamespace, ourNamespace] = [freshNamespace(scope), freshNamespace(scope)];
  const dir = await tempDir(scope);
  const containerd = await startContainerd(scope);
  const berthd = await startBerthd(scope, { args: ["--log-level", "info"] });
  const runner = (name: string, cli: Cli): Runner => ({ name, cli });
  const theirs = runner("ctr on containerd", createCli("ctr", containerd, theirNamespace));
  const ctr = runner("ctr", createCli("ctr", berthd, ourNamespace));
  const berth = runner("berth", createCli("berth", berthd, ourNamespace));
  const runners = [theirs, ctr, berth];
  const syncBeforeMs = await syncLatencyMs(dir);
  const rows: Row[] = [];

  if (groups.has("records")) {
    console.log(`records: ${size.records} of 6 KB, medians of ${size.rounds} rounds`);
    const engines = [containerd, berthd] as const;
    rows.push(...(await benchRecords({ engines, rounds: size.rounds, count: size.records, callers: CALLERS })));
  }
  if (groups.has("starts")) {
    console.log(
      `starts: ${size.runs * size.rounds} of each, medians of ${size.rounds} rounds; beside them node, not containerd`,
    );
    rows.push(...(await benchStarts({ address: berthd.address, rounds: size.rounds, count: size.runs })));
  }
  if (groups.has("runs")) {
    console.log(`run --rm: ${size.runs * size.rounds} of each, medians`);
    const rootfs = await makeRootfs(join(dir, "rootfs"));
    rows.push(...(await benchRuns({ runners, rootfs, rounds: size.rounds, count: size.runs })));
  }
  if (groups.has("processes")) {
    console.log(`tasks of host processes: ${size.runs * size.rounds}, medians`);
    const rootfs = await makeRootfs(join(dir, "process-rootfs"));
    const { runs: count, rounds } = size;
    rows.push(
      ...(await benchProcesses({ reference: theirs.cli, berthd, namespace: ourNamespace, dir, rootfs, rounds, count })),
    );
  }
  if (groups.has("images")) {
    console.log(`images: medians of ${size.imageRounds} rounds`);
    const say = (what: string): void => console.log(`  ${what}`);
    rows.push(...(await benchImages({ ...size, rounds: size.imageRounds, runners, dir, say })));
  }
  const syncAfterMs = await syncLatencyMs(dir);
  console.log(`fdatasync on this disk: ${figure(syncBeforeMs)} ms before, ${figure(syncAfterMs)} ms after`);
  console.log(`ratio above 1: berthd is ahead\n`);
  printTable(rows);
}

await main(process.argv.slice(2));
