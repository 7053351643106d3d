// Kills the daemon, and now and then the registry, in the middle of pulls, unpackings and removals of an image. After each: what is
// listed is whole, rows and files agree both ways, and the next pull fetches only what is missing.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pull } from "../../api/client/distribution/pull.js";
import { createRegistry } from "../../api/client/distribution/registry/registry.js";
import { chainIds } from "../../api/client/distribution/unpack.js";
import { type Client, connect } from "../../api/client/index.js";
import type { DisposeScope } from "../../api/core/dispose.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { startFront } from "../helpers/front.js";
import { noiseLayer, sha256, type TestImage, testImage, testLayer } from "../helpers/image.js";
import type { Random } from "../helpers/random.js";
import { seedRegistry, startRegistry } from "../helpers/registry.js";
import { PATIENCE_MS } from "../helpers/until.js";

const ctx = { namespace: "pulls" };
const SNAPSHOTTER = "overlayfs";
const LAYER_BYTES = 1_500_000;
const FILES = 300;
/** Of pulls and removals that nobody kills; a kill comes anywhere within. */
const PULL_MS = 500;
const REMOVAL_MS = 60;
/** So many kills out of one are the registry's. */
const REGISTRY_SHARE = 0.25;

export interface PullCrashOptions {
  readonly kills: number;
  readonly random: Random;
  readonly say?: (line: string) => void;
}

export interface PullCrashReport {
  readonly pulls: number;
  readonly removals: number;
  /** Everything that went wrong, one line each. */
  readonly faults: readonly string[];
}

/** Two layers of bytes that take their time to come, one of files that take theirs to be unpacked. */
function makeImage(): { readonly image: TestImage; readonly top: string } {
  const files = Array.from({ length: FILES }, (_, index) => ({ name: `f${index}`, body: `${index}` }));
  const layers = [noiseLayer("a", LAYER_BYTES), testLayer(files), noiseLayer("b", LAYER_BYTES)];
  return { image: testImage(layers), top: chainIds(layers.map(({ diffId }) => diffId)).at(-1) ?? "" };
}

/** What rows and files say, and where they differ. The collector has run. */
async function disagreements(client: Client, daemon: Berthd): Promise<string[]> {
  const found: string[] = [];
  const compare = (what: string, rows: readonly string[], files: readonly string[]): void => {
    for (const row of rows) if (!files.includes(row)) found.push(`${what} ${row} has no file`);
    for (const file of files) if (!rows.includes(file)) found.push(`${what} ${file} has no row`);
  };
  const content = join(daemon.rootDir, "io.containerd.content.v1.content");
  const digests: string[] = [];
  for await (const page of client.content.list(ctx)) digests.push(...page.map(({ digest }) => digest));
  const blobs = await readdir(join(content, "blobs/sha256"));
  compare(
    "blob",
    digests,
    blobs.map((name) => `sha256:${name}`),
  );
  for (const name of blobs) {
    if (sha256(await readFile(join(content, "blobs/sha256", name))) !== `sha256:${name}`)
      found.push(`blob ${name} is damaged`);
  }
  const refs = (await client.content.listStatuses(ctx)).map(({ ref }) => ref);
  const ingests = await readdir(join(content, "ingest"));
  const named = await Promise.all(
    ingests.map((name) => readFile(join(content, "ingest", name, "ref"), "utf8").catch(() => name)),
  );
  // The backend's name of an ingest is <namespace>/<number>/<ref>.
  compare(
    "ingest",
    refs,
    named.map((name) => name.split("/").slice(2).join("/")),
  );
  let snapshots = 0;
  for await (const page of client.snapshots.get(SNAPSHOTTER).list(ctx)) snapshots += page.length;
  const folders = await readdir(join(daemon.rootDir, `io.containerd.snapshotter.v1.${SNAPSHOTTER}`, "snapshots")).catch(
    () => [],
  );
  if (folders.length !== snapshots) found.push(`${snapshots} snapshots have the folders ${folders}`);
  for (const name of await readdir(join(daemon.rootDir, "tmpmounts"))) found.push(`temporary mount ${name}`);
  const mounts = (await readFile("/proc/self/mounts", "utf8")).split("\n").map((line) => line.split(" ")[1] ?? "");
  for (const mount of mounts) if (mount.startsWith(daemon.rootDir)) found.push(`mount ${mount}`);
  return found;
}

/** What is missing of an image that is listed; it must be nothing. */
async function missingOf(client: Client, { image, top }: ReturnType<typeof makeImage>): Promise<string[]> {
  const missing: string[] = [];
  for (const { digest } of image.blobs) {
    await client.content.info(ctx, digest).catch(() => missing.push(`the image's blob ${digest}`));
  }
  await client.snapshots
    .get(SNAPSHOTTER)
    .stat(ctx, top)
    .catch(() => missing.push(`the image's snapshot ${top}`));
  return missing;
}

export async function runPullCrashes(scope: DisposeScope, options: PullCrashOptions): Promise<PullCrashReport> {
  const { kills, random, say = () => {} } = options;
  const made = makeImage();
  let registry = await startRegistry(scope);
  await seedRegistry(registry, "team/app", "1", made.image);
  const front = await startFront(scope, { target: registry.url });
  const name = `${front.host}/team/app:1`;
  const client = scope.use(createRegistry());
  let daemon = await startBerthd(scope);
  const faults: string[] = [];
  let [pulls, removals] = [0, 0];

  const hasImage = async (to: Client): Promise<boolean> => (await to.images.list(ctx)).length > 0;

  /** Pulls; says what was fetched although it was there, and from where on what was there in part. */
  const pullOnce = async (to: Client): Promise<void> => {
    const complete = new Set<string>();
    for await (const page of to.content.list(ctx)) for (const { digest } of page) complete.add(digest);
    const partial = (await to.content.listStatuses(ctx)).filter(({ offsetBytes }) => offsetBytes > 0);
    front.seen.length = 0;
    try {
      await pull(to, ctx, name, { registry: client, snapshotter: SNAPSHOTTER });
      pulls += 1;
    } finally {
      for (const { method, url, headers } of front.seen) {
        const digest = url.slice(url.lastIndexOf("/") + 1);
        if (method !== "GET" || !url.includes("/blobs/")) continue;
        if (complete.has(digest)) faults.push(`${digest} was fetched again`);
        const begun = partial.find(({ ref }) => ref.endsWith(digest));
        if (begun !== undefined && headers.range === undefined)
          faults.push(`${digest} was fetched from its start, not from ${begun.offsetBytes}`);
      }
    }
  };

  /** Everything that held the image goes, and it with that. */
  const removeAll = async (to: Client): Promise<void> => {
    for (const { name: image } of await to.images.list(ctx)) await to.images.delete(ctx, image);
    for (const { id } of await to.leases.list(ctx)) await to.leases.delete(ctx, id);
    await to.collector.collect();
    removals += 1;
  };

  for (let kill = 1; kill <= kills && faults.length === 0; kill += 1) {
    await using to = connect({ address: daemon.address });
    const isRemoval = await hasImage(to);
    const victim = !isRemoval && random.next() < REGISTRY_SHARE ? registry : daemon;
    const afterMs = Math.round(random.next() * (isRemoval ? REMOVAL_MS : PULL_MS));
    const work = (isRemoval ? removeAll(to) : pullOnce(to)).then(
      () => "done",
      () => "cut off",
    );
    await delay(afterMs);
    await victim.kill();
    const end = await work;
    if (victim === registry) registry = await startRegistry(scope, { dir: registry.dir, address: registry.host });
    else daemon = await daemon.restart();
    await using after = connect({ address: daemon.address });
    await after.ready({ timeoutMs: PATIENCE_MS });
    if (await hasImage(after)) faults.push(...(await missingOf(after, made)));
    await after.collector.collect();
    faults.push(...(await disagreements(after, daemon)));
    say(
      `kill ${kill}: the ${victim === registry ? "registry" : "daemon"} ${afterMs} ms into a ${isRemoval ? "removal" : "pull"}, ${end}`,
    );
  }
  if (faults.length > 0) return { pulls, removals, faults };
  await using last = connect({ address: daemon.address });
  if (!(await hasImage(last))) await pullOnce(last);
  faults.push(...(await missingOf(last, made)));
  await removeAll(last);
  faults.push(...(await disagreements(last, daemon)));
  for await (const page of last.content.list(ctx))
    for (const { digest } of page) faults.push(`${digest} is still there`);
  for (const { ref } of await last.content.listStatuses(ctx)) faults.push(`the ingest ${ref} is still there`);
  return { pulls, removals, faults };
}
