// Churn for a long time: lives of containers without a pause, and what the daemon holds meanwhile. `npm run test:soak -- --minutes N`
// prints a line every ten seconds and ends with 1 when something grows, an exit is not told once, or anything is left over.
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { setInterval as every } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connect } from "../../api/client/connect.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { startBerthd } from "../helpers/daemon.js";
import type { Engine } from "../helpers/engine.js";
import { findLeftovers, findRemains, pidsWithArgument, shimSockets } from "../helpers/leftovers.js";
import { seeded } from "../helpers/random.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { exitFaults } from "./exits.js";
import { growth, LINE_SAMPLES, type Sample } from "./growth.js";
import { settled } from "./harness.js";
import { drawStory, lead } from "./life.js";
import type { ContainerStory } from "./story.js";

const CALLERS = 4;
const SAMPLE_MS = 10_000;
/** Of the lives that are over, so many are looked up in the ledger, which forgets old events. */
const REMEMBERED = 500;
const MIB = 1 << 20;

const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" }, seed: { type: "string" } } });
const random = values.seed === undefined ? seeded() : seeded(Number(values.seed));
const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function look(engine: Engine, dbPath: string): Promise<Sample> {
  const status = await readFile(`/proc/${engine.pid}/status`, "utf8");
  const [, kib = "0"] = /^VmRSS:\s+(\d+)/m.exec(status) ?? [];
  const mounts = (await readFile("/proc/self/mounts", "utf8")).split("\n");
  return {
    rssMib: Math.round(Number(kib) / 1024),
    descriptors: (await readdir(`/proc/${engine.pid}/fd`)).length,
    shims: (await pidsWithArgument(engine.address)).length,
    mounts: mounts.filter((line) => line.includes(engine.stateDir)).length,
    walMib: Math.round((await stat(`${dbPath}-wal`)).size / MIB),
  };
}

const scope = new DisposeScope();
try {
  say(`seed ${random.seed}`);
  const namespace = freshNamespace(scope);
  const rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
  const daemon = await startBerthd(scope, { args: ["--log-level", "info"] });
  const dbPath = join(daemon.rootDir, "metadata.db");
  const client = scope.use(connect({ address: daemon.address }));
  const until = performance.now() + Number(values.minutes) * 60_000;
  const isOver = (): boolean => performance.now() > until;
  const recent: ContainerStory[] = [];
  const faults: string[] = [];
  let lives = 0;
  const caller = async (): Promise<void> => {
    while (!isOver() && faults.length === 0) {
      const story = drawStory(`${namespace}-${lives}`, random);
      lives += 1;
      try {
        await lead(story, { client, namespace, rootfs, beforeCall: () => {} });
        const tasks = await client.tasks.list({ namespace });
        if (tasks.some(({ containerId }) => containerId === story.id))
          faults.push(`task of ${story.id} is still listed`);
        const records = await client.containers.list({ namespace }, [`id==${story.id}`]);
        if (records.length > 0) faults.push(`record of ${story.id} is still listed`);
      } catch (error) {
        faults.push(`${story.id} failed: ${error}`);
      }
      recent.push(story);
      if (recent.length > REMEMBERED) recent.shift();
    }
  };
  const samples: Sample[] = [];
  const watch = async (): Promise<void> => {
    for await (const _ of every(SAMPLE_MS)) {
      const sample = await look(daemon, dbPath);
      samples.push(sample);
      const shown = Object.entries(sample).map(([name, value]) => `${name} ${value}`);
      say(`${samples.length * (SAMPLE_MS / 1_000)} s: ${lives} lives, ${shown.join(", ")}`);
      if (isOver() || faults.length > 0) return;
    }
  };
  await Promise.all([watch(), ...Array.from({ length: CALLERS }, caller)]);
  faults.push(...growth(samples));
  if (samples.length < 2 * LINE_SAMPLES) say("too short to tell whether anything grows");
  faults.push(...(await settled("exits", () => exitFaults(dbPath, namespace, recent))));
  const ids = recent.map(({ id }) => id);
  faults.push(...(await settled("leftovers", () => findLeftovers(daemon, namespace, ids))));
  const sockets = new Set(await shimSockets(daemon.address));
  await daemon.stop();
  faults.push(...(await settled("remains", () => findRemains(daemon, namespace, sockets))));
  for (const fault of faults) say(`fault: ${fault}`);
  say(`${lives} lives in ${values.minutes} minutes: ${faults.length} faults`);
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  await scope[Symbol.asyncDispose]();
}
