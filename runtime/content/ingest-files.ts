// The small files beside the data of an ingest: whose it is, since when, and how large it will be.
// @source containerd plugins/content/local/store.go (status, writeTimestampFile)
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { BackendIngest } from "../../api/core/content-backend.js";
import { formatTime } from "../../api/core/time.js";
import { ifThere, replaceFile } from "./files.js";
import { FOLDER_MODE, ingestName } from "./layout.js";

export const dataPath = (dir: string): string => join(dir, "data");

/** Makes the folder of a new ingest, over whatever a crash may have left there. The ref comes last: it vouches for the others. */
export async function createIngest(dir: string, ingest: BackendIngest): Promise<void> {
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true, mode: FOLDER_MODE });
  await writeFile(dataPath(dir), "");
  await replaceFile(join(dir, "startedat"), formatTime(ingest.startedAtNs));
  await writeUpdatedAt(dir, ingest.updatedAtNs);
  if (ingest.totalBytes > 0) await replaceFile(join(dir, "total"), String(ingest.totalBytes));
  await replaceFile(join(dir, "ref"), ingest.ref);
}

export const writeUpdatedAt = (dir: string, timeNs: bigint): Promise<void> =>
  replaceFile(join(dir, "updatedat"), formatTime(timeNs));

/** undefined when there is none, or only what a crash left of one. */
export async function readIngest(dir: string): Promise<BackendIngest | undefined> {
  const text = (name: string) => ifThere(readFile(join(dir, name), "utf8"));
  const [ref, startedAt, updatedAt, total, data] = await Promise.all([
    text("ref"),
    text("startedat"),
    text("updatedat"),
    text("total"),
    ifThere(stat(dataPath(dir), { bigint: true })),
  ]);
  if (ref === undefined || data === undefined || ingestName(ref) !== basename(dir)) return undefined;
  const startedAtNs = parseTime(startedAt) ?? data.birthtimeNs;
  const closedAtNs = parseTime(updatedAt) ?? startedAtNs;
  return {
    ref,
    offsetBytes: Number(data.size),
    totalBytes: Number(/^\d{1,16}$/.exec(total ?? "")?.[0] ?? 0),
    startedAtNs,
    // The file is written when a writer closes; while one is at work its data are newer.
    updatedAtNs: later(data.mtimeNs, closedAtNs),
  };
}

function later(a: bigint, b: bigint): bigint {
  if (a < b) return b;
  return a;
}

const RFC3339_NANO = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

function parseTime(text: string | undefined): bigint | undefined {
  const [, whole, fraction = "", zone] = RFC3339_NANO.exec(text ?? "") ?? [];
  const wholeMs = Date.parse(`${whole}${zone}`);
  return Number.isNaN(wholeMs) ? undefined : BigInt(wholeMs) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}
