// What a container consists of beside its record, the snapshot of one that has an image, and how both are taken away.
// @source containerd container_opts.go (WithSnapshotCleanup)
import type { Container, NewContainer } from "../../api/core/container.js";
import type { RequestContext } from "../../api/core/context.js";
import { isNotFound } from "../../api/core/errors.js";
import type { Mount } from "../../api/core/task.js";
import type { CommandContext } from "./command.js";

const CLEANUP_TIMEOUT_MS = 15_000;

type Client = CommandContext["client"];
/** What is needed to put a container away. */
export type Removable = Pick<Container, "id"> & Partial<Pick<Container, "snapshotter" | "snapshotKey">>;

export interface CreatedContainer {
  readonly container: NewContainer;
  /** What its task is given. */
  readonly rootfs: readonly Mount[];
}

/** Takes the container away, its snapshot first as containerd's client does. What is gone already does not matter. */
export async function removeContainer(client: Client, ctx: RequestContext, container: Removable): Promise<void> {
  await removeSnapshot(client, ctx, container);
  await client.containers.delete(ctx, container.id).catch(unlessNotFound);
}

/** The mounts of a container's snapshot; none without one. */
export async function rootfsOf(client: Client, ctx: RequestContext, container: Removable): Promise<readonly Mount[]> {
  const { snapshotter = "", snapshotKey = "" } = container;
  return snapshotKey === "" ? [] : await client.snapshots.get(snapshotter).mounts(ctx, snapshotKey);
}

export async function removeSnapshot(client: Client, ctx: RequestContext, container: Removable): Promise<void> {
  const { snapshotter = "", snapshotKey = "" } = container;
  if (snapshotKey !== "") await client.snapshots.get(snapshotter).remove(ctx, snapshotKey).catch(unlessNotFound);
}

/** Patience for what has to be put away although the caller has none left. */
export function cleanupOf({ namespace }: RequestContext): RequestContext {
  return { namespace, signal: AbortSignal.timeout(CLEANUP_TIMEOUT_MS) };
}

function unlessNotFound(error: unknown): void {
  if (!isNotFound(error)) throw error;
}
