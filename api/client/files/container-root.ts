// A container's file system as an open tree: that of its processes while it has any, else its snapshot or folder.
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readFileSync, statSync } from "node:fs";
import { hasCode } from "../../../runtime/sys/errno.js";
import { FolderTree } from "../../../runtime/sys/trees/folder-tree.js";
import type { Container } from "../../core/container.js";
import type { RequestContext } from "../../core/context.js";
import { errorOf, failedPrecondition, isNotFound, notImplemented } from "../../core/errors.js";
import type { ProcessState } from "../../core/task.js";
import { LXD_RUNTIME } from "../lxd-options.js";
import type { FilesClient } from "./files-client.js";
import { parseIdRanges, SAME_USERS, type UserMap, userMapOf } from "./id-ranges.js";
import { kernelFolders, mountPoints, parseMountTable } from "./mount-table.js";
import { openMounted } from "./mounted-root.js";
import { specPartsOf } from "./spec-parts.js";

/** Of the shim for processes of the host, whose files are the host's. */
const PROCESS_RUNTIME = "io.berth.process.v1";
/** Their processes are on this machine, their files are not shown by them. */
const CLOSED_RUNTIMES = /runsc|gvisor|kata|firecracker|hyperv/;

const NONE: ReadonlySet<string> = new Set();

export interface ContainerRoot extends Disposable {
  readonly tree: FolderTree;
  readonly users: UserMap;
  /** Paths of what the kernel shows and nobody has written: /proc and its like. */
  readonly closed: ReadonlySet<string>;
  /** Paths on which something is mounted. */
  readonly mountPoints: ReadonlySet<string>;
  /** It is the root of this machine itself. */
  readonly isHost: boolean;
}

export interface ContainerAndTask {
  readonly container: Container;
  /** Undefined when there is none, or its process is gone. */
  readonly task: ProcessState | undefined;
}

/** @throws not_found. */
export async function findContainer(
  client: Pick<FilesClient, "containers" | "tasks">,
  ctx: RequestContext,
  id: string,
): Promise<ContainerAndTask> {
  const container = await client.containers.get(ctx, id);
  const task = await client.tasks.get(ctx, id, "").catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  return { container, task: isAlive(task) ? task : undefined };
}

const isAlive = (task: ProcessState | undefined): boolean =>
  task !== undefined && task.pid > 0 && task.status !== "stopped" && task.status !== "unknown";

/**
 * Opens it. Nothing stays mounted, however this process ends.
 * @throws not_implemented where the container's runtime lets nobody at its files, failed_precondition, permission_denied.
 */
export async function openContainerRoot(
  client: Pick<FilesClient, "containers" | "tasks" | "snapshots">,
  ctx: RequestContext,
  { container, task }: ContainerAndTask,
): Promise<ContainerRoot> {
  const { id, runtime } = container;
  if (runtime.name === PROCESS_RUNTIME) return treeOf(openFolder("/"), { isHost: true });
  if (CLOSED_RUNTIMES.test(runtime.name)) {
    throw notImplemented(`container "${id}": ${runtime.name} lets nobody outside at its files`);
  }
  if (task !== undefined) return await openProcessRoot(client, ctx, task);
  if (runtime.name === LXD_RUNTIME) {
    throw notImplemented(`container "${id}": LXD keeps its files while it does not run; start it, or use lxc file`);
  }
  const { root, users } = specPartsOf(container);
  if (container.snapshotKey !== "") {
    const snapshots = client.snapshots.get(container.snapshotter);
    return treeOf(await openMounted(await snapshots.mounts(ctx, container.snapshotKey)), { users });
  }
  if (root.startsWith("/")) return treeOf(openFolder(root), { users });
  throw failedPrecondition(`container "${id}" has no files of its own while it does not run`);
}

/** The root of a process, with everything that is mounted there. */
async function openProcessRoot(
  client: Pick<FilesClient, "tasks">,
  ctx: RequestContext,
  { containerId, pid }: ProcessState,
): Promise<ContainerRoot> {
  const own = openFolder(`/proc/${pid}`, `the process of container "${containerId}"`);
  try {
    // The folder belongs to the process that had the number when it was opened: it is the task's if that still has it now.
    const now = await client.tasks.get(ctx, containerId, "");
    if (now.pid !== pid || !isAlive(now)) throw failedPrecondition(`container "${containerId}" has just ended`);
    const folder = `/proc/self/fd/${own}`;
    const fd = openFolder(`${folder}/root`, `the root of container "${containerId}"`);
    try {
      if (isSameFolder(fstatSync(fd, { bigint: true }), statSync("/", { bigint: true }))) {
        throw notImplemented(
          `container "${containerId}": its process has the root of this machine, not one of its own`,
        );
      }
      const read = (name: string): string => readFileSync(`${folder}/${name}`, "latin1");
      const users = userMapOf(parseIdRanges(read("uid_map")), parseIdRanges(read("gid_map")));
      const table = parseMountTable(read("mountinfo"));
      return treeOf(fd, { users, closed: kernelFolders(table), mountPoints: mountPoints(table) });
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  } finally {
    closeSync(own);
  }
}

function treeOf(fd: number, parts: Partial<Omit<ContainerRoot, "tree">>): ContainerRoot {
  const tree = new FolderTree(fd);
  return {
    tree,
    users: SAME_USERS,
    closed: NONE,
    mountPoints: NONE,
    isHost: false,
    ...parts,
    [Symbol.dispose]: () => tree[Symbol.dispose](),
  };
}

const isSameFolder = (a: BigIntStats, b: BigIntStats): boolean => a.dev === b.dev && a.ino === b.ino;

function openFolder(path: string, what = path): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (hasCode(error, "EACCES", "EPERM")) throw errorOf("permission_denied", `${what} can only be opened by root`);
    if (hasCode(error, "ENOENT", "ESRCH")) throw failedPrecondition(`${what} is not there`);
    throw error;
  }
}
