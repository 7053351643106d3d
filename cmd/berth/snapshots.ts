// What the commands about snapshots share: lists, names of kinds, mounts in the words of `ctr`.
import type { RequestContext } from "../../api/core/context.js";
import type { SnapshotInfo, SnapshotKind, SnapshotStore } from "../../api/core/snapshot.js";
import type { Mount } from "../../api/core/task.js";
import { shortTime } from "./render/time.js";

const KIND_TITLES: Readonly<Record<SnapshotKind, string>> = { active: "Active", view: "View", committed: "Committed" };

export const kindTitle = (kind: SnapshotKind): string => KIND_TITLES[kind];

export async function listSnapshots(
  snapshots: SnapshotStore,
  request: RequestContext,
  filters: readonly string[] = [],
): Promise<SnapshotInfo[]> {
  const all: SnapshotInfo[] = [];
  for await (const page of snapshots.list(request, filters)) all.push(...page);
  return all;
}

/** The label that keeps what the command line makes until it is removed: nothing else holds it. */
export const rootLabel = (): Record<string, string> => ({
  "containerd.io/gc.root": shortTime(BigInt(Date.now()) * 1_000_000n),
});

/** The shell's commands for mounts, a line each. */
export const mountCommands = (target: string, mounts: readonly Mount[]): string[] =>
  mounts.map(({ type, source, options }) => `mount -t ${type} ${source} ${target} -o ${options.join(",")}`);

/** Mounts as Go's JSON shows them. */
export const mountsDocument = (mounts: readonly Mount[]): unknown =>
  mounts.map(({ type, source, options }) => ({ Type: type, Source: source, Options: options }));
