// The end of a copy that is in a container.
import type { RequestContext } from "../../core/context.js";
import type { Client } from "../client.js";
import { type ContainerRoot, findContainer, openContainerRoot } from "./container-root.js";
import type { CopySource, CopyTarget } from "./ends.js";
import { localSource, localTarget } from "./local.js";
import { parsePath } from "./spot.js";
import { treeSource } from "./tree-source.js";
import { treeTarget } from "./tree-target.js";

/** What it takes of a client. */
export type FilesClient = Pick<Client, "containers" | "tasks" | "snapshots">;

/** A path in a container; relative ones begin at its root. */
export interface ContainerPath {
  readonly id: string;
  readonly path: string;
}

const textOf = ({ id, path }: ContainerPath): string => `${id}:${path}`;

/** @throws not_found, and what the root of the container throws. */
export async function containerSource(
  client: FilesClient,
  ctx: RequestContext,
  place: ContainerPath,
  options: { readonly followLink: boolean },
): Promise<CopySource> {
  const root = await rootOf(client, ctx, place.id);
  if (root.isHost) return await closing(root, localSource(hostPath(place.path), options));
  return treeSource({
    tree: root.tree,
    path: parsePath(place.path),
    text: textOf(place),
    followLink: options.followLink,
    ids: root.users.inside,
    closed: root.closed,
    dispose: () => root[Symbol.dispose](),
  });
}

/** @throws not_found where the folder of the path is missing, and what the root of the container throws. */
export async function containerTarget(
  client: FilesClient,
  ctx: RequestContext,
  place: ContainerPath,
): Promise<CopyTarget> {
  const root = await rootOf(client, ctx, place.id);
  if (root.isHost) return await closing(root, localTarget(hostPath(place.path)));
  const ids = root.users.outside;
  return treeTarget({
    tree: root.tree,
    path: parsePath(place.path),
    text: textOf(place),
    mountPoints: root.mountPoints,
    owners: { ids, owner: { uid: ids.uid(0), gid: ids.gid(0) }, devices: true },
    dispose: () => root[Symbol.dispose](),
  });
}

async function rootOf(client: FilesClient, ctx: RequestContext, id: string): Promise<ContainerRoot> {
  return await openContainerRoot(client, ctx, await findContainer(client, ctx, id));
}

const hostPath = (path: string): string => (path.startsWith("/") ? path : `/${path}`);

/** A container whose root is the machine's needs no tree of its own. */
async function closing<T>(root: ContainerRoot, end: Promise<T>): Promise<T> {
  root[Symbol.dispose]();
  return await end;
}
