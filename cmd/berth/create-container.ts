// Containers made and taken away as a whole: the record, and the snapshot of one that has an image.
// @source containerd cmd/ctr/commands/run/run_unix.go, container_opts.go (WithSnapshotCleanup)
import { withLease } from "../../api/client/remote-lease-store.js";
import type { Container, NewContainer } from "../../api/core/container.js";
import type { RequestContext } from "../../api/core/context.js";
import { isNotFound } from "../../api/core/errors.js";
import type { Mount } from "../../api/core/task.js";
import type { CommandContext } from "./command.js";
import { type ContainerFlags, containerOf, type Target } from "./container-flags.js";

const CLEANUP_TIMEOUT_MS = 15_000;

type Client = CommandContext["client"];
/** What is needed to put a container away. */
export type Removable = Pick<Container, "id"> & Partial<Pick<Container, "snapshotter" | "snapshotKey">>;

export interface CreatedContainer {
  readonly container: NewContainer;
  /** What its task is given. */
  readonly rootfs: readonly Mount[];
}

/** Makes the container that flags and arguments describe. On failure nothing is left. */
export async function createContainer(
  context: CommandContext,
  flags: ContainerFlags,
  target: Target,
): Promise<CreatedContainer> {
  const { client, request, namespace } = context;
  if (target.kind !== "image") {
    const container = await containerOf(flags, namespace, target);
    // Nothing that it refers to could be collected, so no lease.
    await client.containers.create(request, container);
    return { container, rootfs: [] };
  }
  const { containerOfImage } = await import("./image-container.js");
  return await withLease(client.leases, request, async (leased) => {
    const created = await containerOfImage({ ...context, request: leased }, flags, target);
    try {
      await client.containers.create(leased, created.container);
    } catch (error) {
      await removeSnapshot(client, cleanupOf(request), created.container).catch(() => undefined);
      throw error;
    }
    return created;
  });
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
