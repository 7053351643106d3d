// What a container has changed of the files that it began with: its snapshot beside the one that it lies on.
import { constants, openSync } from "node:fs";
import { constants as os } from "node:os";
import { setImmediate } from "node:timers/promises";
import { check, closeFd, type FileStatus, openFolderAt, pathAt, readable, statAt } from "../../../runtime/sys/at.js";
import { isFolder, isSame } from "../../../runtime/sys/trees/compare.js";
import { listFolder } from "../../../runtime/sys/trees/remove-tree.js";
import { getXattr } from "../../../runtime/sys/xattr.js";
import type { RequestContext } from "../../core/context.js";
import { DisposeScope } from "../../core/dispose.js";
import { throwIfAborted } from "../run/abort.js";
import { type LayersClient, parentMounts, snapshotOf } from "./layers.js";
import { openMountedReadOnly, upperFolderOf } from "./mounted-root.js";

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY;
const OVERLAY_SIGNS = ["trusted.overlay.opaque", "trusted.overlay.redirect", "user.overlay.opaque"];
const CHANGES_A_TURN = 256;

/** A folder in which something was added, changed or deleted is changed as well. */
export interface FileChange {
  readonly kind: "added" | "changed" | "deleted";
  /** From the container's root, beginning with a slash. */
  readonly path: string;
}

/**
 * What the container has changed, folder by folder, in the order of names; also while it runs.
 * @throws not_found; failed_precondition for a container that was not made from a snapshot; permission_denied.
 */
export async function* changesOf(client: LayersClient, ctx: RequestContext, id: string): AsyncGenerator<FileChange> {
  await using scope = new DisposeScope();
  const open = (fd: number): number => {
    scope.defer(async () => closeFd(fd));
    return fd;
  };
  const { snapshots, key } = await snapshotOf(client, ctx, id, "its changes");
  const mounts = await snapshots.mounts(ctx, key);
  const upper = upperFolderOf(mounts);
  const after = open(await openMountedReadOnly(mounts));
  const below = await parentMounts(client, ctx, snapshots, key, async (lower) =>
    lower.length === 0 ? undefined : open(await openMountedReadOnly(lower)),
  );
  const guide = upper === undefined ? undefined : open(openSync(upper, FOLDER));
  let count = 0;
  for (const { kind, path } of compare({ before: below, after, guide }, "", false)) {
    yield { kind, path: `/${readable(path)}` };
    count += 1;
    if (count % CHANGES_A_TURN !== 0) continue;
    throwIfAborted(ctx.signal);
    await setImmediate();
  }
}

/** One folder in three lights, each open. */
interface Sides {
  readonly before: number | undefined;
  readonly after: number;
  /** Where an overlay keeps what was changed: only that can differ. Undefined: everything can. */
  readonly guide: number | undefined;
}

/** @param told whether the folder itself has been told of. Paths are byte strings without a slash at either end. */
function* compare(sides: Sides, folder: string, told: boolean): Generator<FileChange> {
  const { before, after, guide } = sides;
  let isTold = told || folder === "";
  const names = new Set(guide === undefined ? [...listOf(before), ...listOf(after)] : listOf(guide));
  for (const name of [...names].sort()) {
    for (const change of compareName(sides, name, folder === "" ? name : `${folder}/${name}`)) {
      // Above what is in it.
      if (!isTold) yield { kind: "changed", path: folder };
      isTold = true;
      yield change;
    }
  }
}

function* compareName({ before, after, guide }: Sides, name: string, path: string): Generator<FileChange> {
  const [was, is] = [statusOf(before, name), statusOf(after, name)];
  if (is === undefined) {
    if (was !== undefined) yield { kind: "deleted", path };
    return;
  }
  const kind = kindOf(before, was, after, is, name);
  if (kind !== undefined) yield { kind, path };
  if (!isFolder(is)) return;
  using inner = new OpenFolders();
  const now = inner.open(after, name);
  // It went while we looked.
  if (now === undefined) return;
  const former = before !== undefined && was !== undefined && isFolder(was) ? inner.open(before, name) : undefined;
  const next = former === undefined || guide === undefined ? undefined : inner.open(guide, name);
  const sides = { before: former, after: now, guide: next !== undefined && isMerged(next) ? next : undefined };
  yield* compare(sides, path, kind !== undefined);
}

function kindOf(
  before: number | undefined,
  was: FileStatus | undefined,
  after: number,
  is: FileStatus,
  name: string,
): "added" | "changed" | undefined {
  if (before === undefined || was === undefined) return "added";
  const same = isSame({ folder: before, name, status: was }, { folder: after, name, status: is });
  return same ? undefined : "changed";
}

/** An opaque or renamed folder shows nothing, or something else, of the layers below. */
const isMerged = (guide: number): boolean =>
  OVERLAY_SIGNS.every((sign) => getXattr(pathAt(guide, "."), sign) === undefined);

const listOf = (fd: number | undefined): string[] => (fd === undefined ? [] : listFolder(fd));

function statusOf(folder: number | undefined, name: string): FileStatus | undefined {
  if (folder === undefined) return undefined;
  const status = statAt(folder, name);
  if (typeof status !== "number") return status;
  if (status !== -os.errno.ENOENT) check(status, "stat", name);
  return undefined;
}

class OpenFolders implements Disposable {
  readonly #fds: number[] = [];

  /** Undefined when it is no folder any more. */
  open(folder: number, name: string): number | undefined {
    const fd = openFolderAt(folder, name);
    if (fd === -os.errno.ENOENT || fd === -os.errno.ENOTDIR) return undefined;
    this.#fds.push(check(fd, "open", name));
    return fd;
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds) closeFd(fd);
  }
}
