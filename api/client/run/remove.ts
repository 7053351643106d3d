// What running leaves with a daemon, and how it is taken away: processes, tasks, and containers with their snapshots.
// @source containerd container_opts.go (WithSnapshotCleanup), cmd/ctr/commands/run/run.go
import { constants } from "node:os";
import type { Container, ContainerStore } from "../../core/container.js";
import type { RequestContext } from "../../core/context.js";
import { isNotFound } from "../../core/errors.js";
import type { Snapshotters } from "../../core/snapshot.js";
import type { Mount, Tasks } from "../../core/task.js";

const CLEANUP_TIMEOUT_MS = 15_000;

/** The stores that hold them; a client is one. */
export interface RunStores {
  readonly containers: ContainerStore;
  readonly snapshots: Snapshotters;
  readonly tasks: Tasks;
}

/** What is needed to put a container away. */
export type Removable = Pick<Container, "id"> & Partial<Pick<Container, "snapshotter" | "snapshotKey">>;

/** Takes the container away, its snapshot first as containerd's client does. What is gone already does not matter. */
export async function removeContainer(
  stores: Pick<RunStores, "containers" | "snapshots">,
  ctx: RequestContext,
  container: Removable,
): Promise<void> {
  await removeSnapshot(stores, ctx, container);
  await stores.containers.delete(ctx, container.id).catch(unlessNotFound);
}

/** Takes the container's snapshot away, if it has one. */
export async function removeSnapshot(
  { snapshots }: Pick<RunStores, "snapshots">,
  ctx: RequestContext,
  { snapshotter = "", snapshotKey = "" }: Removable,
): Promise<void> {
  if (snapshotKey !== "") await snapshots.get(snapshotter).remove(ctx, snapshotKey).catch(unlessNotFound);
}

/** The mounts of a container's snapshot; none without one. */
export async function rootfsOf(
  { snapshots }: Pick<RunStores, "snapshots">,
  ctx: RequestContext,
  { snapshotter = "", snapshotKey = "" }: Removable,
): Promise<readonly Mount[]> {
  return snapshotKey === "" ? [] : await snapshots.get(snapshotter).mounts(ctx, snapshotKey);
}

/** Ends a process, in whatever state it is, and removes it; with `execId` "" the task as a whole. */
export async function removeProcess(
  { tasks }: Pick<RunStores, "tasks">,
  ctx: RequestContext,
  id: string,
  execId: string,
): Promise<void> {
  try {
    await deleteProcess(tasks, ctx, id, execId);
  } catch {
    // It is running, as a rule. What else there may be comes out of the second attempt.
    await killProcess({ tasks }, ctx, id, execId);
    await tasks.wait(ctx, id, execId).catch(unlessNotFound);
    await deleteProcess(tasks, ctx, id, execId);
  }
}

/** Kills a process, with `execId` "" all of the task; one that is gone already does not matter. Its end comes a moment later. */
export async function killProcess(
  { tasks }: Pick<RunStores, "tasks">,
  ctx: RequestContext,
  id: string,
  execId: string,
): Promise<void> {
  await tasks.kill(ctx, id, execId, { signal: constants.signals.SIGKILL, all: execId === "" }).catch(unlessNotFound);
}

/**
 * Removes a process that has ended or never ran, with `execId` "" the task as a whole; one that is gone already, or is removed by somebody else
 * meanwhile, does not matter: containerd fails then with "ttrpc: closed", as the shim has left amid the call. @throws while it runs.
 */
export async function deleteProcess(
  tasks: Pick<Tasks, "delete" | "deleteProcess" | "get">,
  ctx: RequestContext,
  id: string,
  execId: string,
): Promise<void> {
  try {
    await (execId === "" ? tasks.delete(ctx, id) : tasks.deleteProcess(ctx, id, execId));
  } catch (error) {
    if (isNotFound(error)) return;
    const isThere = await tasks.get(ctx, id, execId).then(
      () => true,
      (failure: unknown) => !isNotFound(failure),
    );
    if (isThere) throw error;
  }
}

/** Patience for what has to be put away although the caller has none left. */
export function cleanupOf({ namespace }: RequestContext): RequestContext {
  return { namespace, signal: AbortSignal.timeout(CLEANUP_TIMEOUT_MS) };
}

export function unlessNotFound(error: unknown): void {
  if (!isNotFound(error)) throw error;
}
