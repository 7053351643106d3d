// The durability contract, held against what a loaded daemon really asks of the kernel: no reply and no event leaves before the
// sync of its change, and whatever a power failure spares of the disk, nothing that was acknowledged is missing.
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect } from "../../api/client/connect.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { startBerthd } from "../helpers/daemon.js";
import { temporaryMetadata } from "../helpers/metadata.js";
import { seededByEnvironment } from "../helpers/random.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";
import { afterPowerLoss, LOSSES } from "./disk.js";
import { type Exchange, exchangesOf } from "./exchanges.js";
import { type Deed, factsIn, runLoad } from "./load.js";
import { readStoreFacts } from "./store-facts.js";
import { type Syscall, traceProcess } from "./strace.js";
import { commitsOf, SYNCS, syncedAt, WRITE } from "./wal.js";

const TRACED = ["pwrite64", "ftruncate", "fsync", "fdatasync", "read", "write", "writev"];
/** Long enough that a reply which does not wait for its sync would overtake it. */
const SLOW_SYNC = ["-e", "inject=fdatasync:delay_enter=2000"];
const POWER_FAILURES = 40;

interface Run {
  readonly syscalls: readonly Syscall[];
  readonly deeds: readonly Deed[];
  readonly exchanges: Record<Deed["socket"], readonly Exchange[]>;
  readonly address: string;
  readonly pid: number;
  readonly dbPath: string;
  /** The files as they were when the trace began; all of it was on disk. */
  readonly before: { readonly db: Buffer; readonly wal: Buffer };
}

const scope = new DisposeScope();
let run: Run;

/** A daemon under load, with checkpoints in the middle, after which the WAL is written over from its beginning. */
async function runUnderTrace(): Promise<Run> {
  const namespace = freshNamespace(scope);
  const daemon = await startBerthd(scope);
  const dbPath = join(daemon.rootDir, "metadata.db");
  const [db, wal] = await Promise.all([readFile(dbPath), readFile(`${dbPath}-wal`)]);
  const file = join(await tempDir(scope), "trace");
  const trace = await traceProcess(scope, { pid: daemon.pid, file, syscalls: TRACED, args: SLOW_SYNC });
  await using client = connect({ address: daemon.address });
  const listening = new AbortController();
  const events = client.events.subscribe({ signal: listening.signal });
  const reading = (async () => {
    for await (const _event of events);
  })().catch(() => undefined);
  const load = { address: daemon.address, ttrpcAddress: daemon.ttrpcAddress, namespace, callers: 8 };
  const deeds = await runLoad({ ...load, from: 0, containers: 80 });
  await until("the WAL to start over", () => daemon.log().includes('"mode":"RESTART"'));
  deeds.push(...(await runLoad({ ...load, from: 1_000, containers: 40 })));
  listening.abort();
  await reading;
  await trace.stop();
  const syscalls = await trace.syscalls();
  return {
    syscalls,
    deeds,
    exchanges: {
      grpc: exchangesOf(syscalls, daemon.address, "grpc"),
      ttrpc: exchangesOf(syscalls, daemon.ttrpcAddress, "ttrpc"),
    },
    address: daemon.address,
    pid: daemon.pid,
    dbPath,
    before: { db, wal },
  };
}

const isMissing = requires.binary("strace");
beforeAll(async () => {
  if (!isMissing) run = await runUnderTrace();
}, 120_000);
afterAll(() => scope[Symbol.asyncDispose]());

/** When the reply to each call began to leave. */
function repliesOf({ deeds, exchanges }: Run): { readonly deed: Deed; readonly at: number }[] {
  const left = { grpc: [...exchanges.grpc], ttrpc: [...exchanges.ttrpc] };
  return deeds.map((deed) => {
    // Two refused creates ask the same: each deed takes one of the exchanges with its request.
    const index = left[deed.socket].findIndex(({ request }) => request.equals(deed.request));
    const [exchange] = index === -1 ? [] : left[deed.socket].splice(index, 1);
    if (exchange?.repliedAt === undefined) throw new Error(`no reply in the trace: ${deed.fact}`);
    return { deed, at: exchange.repliedAt };
  });
}

describe.skipIf(isMissing)("the durability contract", () => {
  test("the load did what it should", () => {
    const refused = run.deeds.filter(({ outcome }) => outcome !== "OK").map(({ outcome }) => outcome?.slice(0, 2));
    expect(run.deeds.length).toBeGreaterThan(200);
    expect(new Set(refused)).toEqual(new Set(["6:"]));
    expect(refused).toHaveLength(24);
  });

  test("no reply to a write leaves before a sync that began after its commit", () => {
    const commits = commitsOf(run.syscalls, `${run.dbPath}-wal`);
    const early = repliesOf(run).filter(({ deed, at }) => {
      const commit = commits.get(deed.fact);
      return commit === undefined || syncedAt(run.syscalls, `${run.dbPath}-wal`, commit) > at;
    });
    expect(early.map(({ deed }) => deed.fact)).toEqual([]);
  });

  test("no event reaches a subscriber before that", () => {
    const commits = commitsOf(run.syscalls, `${run.dbPath}-wal`);
    const seen = new Set<string>();
    const early: string[] = [];
    for (const { name, target, data, begin } of run.syscalls) {
      if (!name.startsWith("write") || !target.includes(`"${run.address}"`)) continue;
      for (const fact of factsIn(data)) {
        seen.add(fact);
        if (syncedAt(run.syscalls, `${run.dbPath}-wal`, commits.get(fact) ?? Number.POSITIVE_INFINITY) > begin)
          early.push(fact);
      }
    }
    expect(early).toEqual([]);
    expect(seen.size).toBeGreaterThan(150);
  });

  test("many writes share a sync", () => {
    const syncs = run.syscalls.filter(({ name, target }) => name === "fdatasync" && target === `${run.dbPath}-wal`);
    expect(syncs.length).toBeLessThan(run.deeds.length);
  });

  test("the thread that serves everyone never waits for the disk", () => {
    const waits = run.syscalls.filter(({ name, thread }) => SYNCS.has(name) && thread === run.pid);
    expect(waits.map(({ name, target }) => `${name} ${target}`)).toEqual([]);
  });

  test("the WAL was written over from its beginning", () => {
    const writes = run.syscalls.filter(({ name, target }) => name === WRITE && target === `${run.dbPath}-wal`);
    const offsets = writes.map(({ numbers }) => numbers.at(-1) ?? 0);
    // It may happen once more on a slow disk: what counts is that much was written on both sides of one such moment.
    const again = offsets.findIndex((offset, index) => offset === 0 && index > 1_000);
    expect(again).toBeGreaterThan(1_000);
    expect(offsets.length - again).toBeGreaterThan(1_000);
  });

  test("whatever a power failure spares, what was acknowledged is there", async () => {
    const random = seededByEnvironment();
    const replies = repliesOf(run);
    const disk = run.syscalls.filter(
      ({ target, name }) => target.startsWith(run.dbPath) && (name === WRITE || SYNCS.has(name)),
    );
    expect(disk.some(({ target, name }) => target === run.dbPath && name === WRITE)).toBe(true);
    const failures: string[] = [];
    for (let n = 0; n < POWER_FAILURES; n += 1) {
      const position = random.pick(disk).begin + random.between(0, 2);
      const loss = LOSSES[n % LOSSES.length] ?? "all lost";
      const folder = join(await tempDir(scope), "root");
      const path = await writeImage(folder, position, loss, random);
      await copyFile(path, `${path}.copy`);
      await copyFile(`${path}-wal`, `${path}.copy-wal`);
      const { facts, faults } = readStoreFacts(`${path}.copy`);
      const lost = replies
        .filter(({ deed, at }) => at <= position && !facts.has(deed.fact))
        .map(({ deed }) => deed.fact);
      const told = `at ${position}, ${loss}, seed ${random.seed}`;
      for (const fault of faults) failures.push(`${fault} (${told})`);
      for (const fact of lost) failures.push(`lost: ${fact} (${told})`);
      if (n % 8 === 0) {
        // Our own way of opening it takes it too, and goes on.
        const store = await temporaryMetadata(scope, { root: folder });
        await store.namespaces.create({}, { name: "after-power-loss", labels: {} });
        await store[Symbol.asyncDispose]();
      }
    }
    expect(failures).toEqual([]);
  });
});

/** The store's files as they are found after the failure. */
async function writeImage(
  folder: string,
  position: number,
  loss: (typeof LOSSES)[number],
  random: ReturnType<typeof seededByEnvironment>,
): Promise<string> {
  await mkdir(folder);
  const path = join(folder, "metadata.db");
  for (const [suffix, before] of [
    ["", run.before.db],
    ["-wal", run.before.wal],
  ] as const) {
    const image = afterPowerLoss(before, run.syscalls, run.dbPath + suffix, position, loss, random);
    await writeFile(path + suffix, image);
  }
  return path;
}
