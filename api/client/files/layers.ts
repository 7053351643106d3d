// The layer that a container writes to, and what it lies on.
import { randomBytes } from "node:crypto";
import type { Container } from "../../core/container.js";
import type { RequestContext } from "../../core/context.js";
import { failedPrecondition, notImplemented } from "../../core/errors.js";
import type { SnapshotStore } from "../../core/snapshot.js";
import type { Mount } from "../../core/task.js";
import { DOCKER_RUNTIME } from "../docker-options.js";
import { LXD_RUNTIME } from "../lxd-options.js";
import { withLease } from "../remote-lease-store.js";
import { cleanupOf } from "../run/remove.js";
import type { FilesClient } from "./files-client.js";

export type LayersClient = Pick<FilesClient, "containers" | "snapshots" | "leases">;

export interface ContainerSnapshot {
  readonly container: Container;
  readonly snapshots: SnapshotStore;
  readonly key: string;
}

/** @throws not_found; failed_precondition and not_implemented, saying that `wanted` cannot be had. */
export async function snapshotOf(
  client: Pick<FilesClient, "containers" | "snapshots">,
  ctx: RequestContext,
  id: string,
  wanted: string,
): Promise<ContainerSnapshot> {
  const container = await client.containers.get(ctx, id);
  const engine = ENGINES.get(container.runtime.name);
  if (engine !== undefined) {
    throw notImplemented(
      `container "${id}": ${engine} keeps its files, and ${wanted} are for ${engine}'s own tools to tell`,
    );
  }
  if (container.snapshotKey === "") {
    throw failedPrecondition(`container "${id}" was not made from an image: nothing tells ${wanted}`);
  }
  return { container, snapshots: client.snapshots.get(container.snapshotter), key: container.snapshotKey };
}

const ENGINES = new Map([
  [DOCKER_RUNTIME, "Docker"],
  [LXD_RUNTIME, "LXD"],
]);

/** Runs `work` with the mounts of what a snapshot lies on, none if that is nothing. They are of no use afterwards, unless open. */
export async function parentMounts<T>(
  client: Pick<FilesClient, "leases">,
  ctx: RequestContext,
  snapshots: SnapshotStore,
  key: string,
  work: (mounts: readonly Mount[], ctx: RequestContext) => Promise<T>,
): Promise<T> {
  const { parent } = await snapshots.stat(ctx, key);
  if (parent === "") return await work([], ctx);
  return await withLease(client.leases, ctx, async (leased) => {
    const view = `${key}-view-${randomBytes(6).toString("hex")}`;
    const mounts = await snapshots.view(leased, view, { parent });
    try {
      return await work(mounts, leased);
    } finally {
      await snapshots.remove(cleanupOf(leased), view);
    }
  });
}
