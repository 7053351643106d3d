// The end of a copy that is in a container.
import type { RequestContext } from "../../core/context.js";
import { DOCKER_RUNTIME } from "../docker-options.js";
import { type ContainerAndTask, type ContainerRoot, findContainer, openContainerRoot } from "./container-root.js";
import { dockerSource, dockerTarget } from "./docker-ends.js";
import type { ContainerPath, CopySource, CopyTarget } from "./ends.js";
import type { FilesClient } from "./files-client.js";
import { localSource, localTarget } from "./local.js";
import { parsePath } from "./spot.js";
import { treeSource } from "./tree-source.js";
import { treeTarget } from "./tree-target.js";

const textOf = ({ id, path }: ContainerPath): string => `${id}:${path}`;

/** @throws not_found, and what the root of the container throws. */
export async function containerSource(
  client: FilesClient,
  ctx: RequestContext,
  place: ContainerPath,
  options: { readonly followLink: boolean },
): Promise<CopySource> {
  const found = await findContainer(client, ctx, place.id);
  if (isKeptByDocker(found)) return await dockerSource(ctx.namespace ?? client.namespace ?? "", place, options);
  const root = await openContainerRoot(client, ctx, found);
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
  const found = await findContainer(client, ctx, place.id);
  if (isKeptByDocker(found)) return await dockerTarget(ctx.namespace ?? client.namespace ?? "", place);
  const root = await openContainerRoot(client, ctx, found);
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

/** While it runs its files are those of its process, as everywhere. */
const isKeptByDocker = ({ container, task }: ContainerAndTask): boolean =>
  container.runtime.name === DOCKER_RUNTIME && task === undefined;

const hostPath = (path: string): string => (path.startsWith("/") ? path : `/${path}`);

/** A container whose root is the machine's needs no tree of its own. */
async function closing<T>(root: ContainerRoot, end: Promise<T>): Promise<T> {
  root[Symbol.dispose]();
  return await end;
}
