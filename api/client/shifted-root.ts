// Layers with other owners, for containers with a user namespace: a snapshot over the image's in which every owner is moved up by where
// the namespace's ids begin. It is made once and shared by whoever has the same ids.
// @source containerd container_opts_unix.go (WithRemappedSnapshot)
import { randomBytes } from "node:crypto";
import { closeSync } from "node:fs";
import { chmod, lchown, lstat, readdir } from "node:fs/promises";
import type { RequestContext } from "../core/context.js";
import { isAlreadyExists, isNotFound } from "../core/errors.js";
import type { SnapshotStore } from "../core/snapshot.js";
import { openMounted } from "./files/mounted-root.js";

/** What is added to the numbers of owners. */
export interface IdShift {
  readonly uid: number;
  readonly gid: number;
}

const SET_ID = 0o6000;
const CLEANUP_MS = 10_000;

/**
 * The key of the layers below `parent` with their owners moved, made if it is not there. Needs the right to mount and to change owners.
 * @throws not_found when `parent` is not there.
 */
export async function shiftedParent(
  snapshots: SnapshotStore,
  ctx: RequestContext,
  parent: string,
  shift: IdShift,
): Promise<string> {
  const key = `${parent}-${shift.uid}-${shift.gid}`;
  if (await isThere(snapshots, ctx, key)) return key;
  const draft = `${key}-remap-${randomBytes(6).toString("hex")}`;
  const mounts = await snapshots.prepare(ctx, draft, { parent });
  try {
    const root = await openMounted(mounts);
    try {
      await shiftTree(`/proc/self/fd/${root}/.`, shift, new Set(), ctx.signal);
    } finally {
      closeSync(root);
    }
    await snapshots.commit(ctx, key, draft);
  } catch (error) {
    await snapshots.remove({ ...ctx, signal: AbortSignal.timeout(CLEANUP_MS) }, draft).catch(() => undefined);
    // Somebody else was faster.
    if (!isAlreadyExists(error)) throw error;
  }
  return key;
}

async function isThere(snapshots: SnapshotStore, ctx: RequestContext, key: string): Promise<boolean> {
  try {
    await snapshots.stat(ctx, key);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** `seen`: files that have more names, by inode; each is moved once. */
async function shiftTree(path: string, shift: IdShift, seen: Set<bigint>, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const facts = await lstat(path, { bigint: true });
  if (facts.nlink > 1n && !facts.isDirectory()) {
    if (seen.has(facts.ino)) return;
    seen.add(facts.ino);
  }
  await lchown(path, Number(facts.uid) + shift.uid, Number(facts.gid) + shift.gid);
  const mode = Number(facts.mode & 0o7777n);
  // A change of the owner takes them away.
  if ((mode & SET_ID) !== 0 && !facts.isSymbolicLink()) await chmod(path, mode);
  if (!facts.isDirectory()) return;
  for (const name of await readdir(path)) await shiftTree(`${path}/${name}`, shift, seen, signal);
}
