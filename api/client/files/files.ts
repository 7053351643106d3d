// The files of containers, for the library and the CLI: into and out of them, also while they do not run.
import type { RequestContext } from "../../core/context.js";
import type { Image } from "../../core/image.js";
import { changesOf, type FileChange } from "./changes.js";
import { type CommitOptions, commitContainer } from "./commit.js";
import { containerSource, containerTarget } from "./container-ends.js";
import { copyBetween, unpackInto } from "./copy.js";
import type { UnpackRequest } from "./ends.js";
import type { FilesClient } from "./files-client.js";
import { localSource, localTarget } from "./local.js";
import { untilAborted } from "./until-aborted.js";

/** How files are copied. All optional. */
export interface CopyFilesOptions {
  /** A path that is a link stands for what it leads to. Default: false, the link itself is copied. */
  readonly followLink?: boolean | undefined;
  /**
   * Owners, set-id bits, access lists, capabilities and device nodes are kept. Default: false, a copy belongs to whoever makes it, and
   * in a container to its root.
   */
  readonly keepOwners?: boolean | undefined;
  /** Told of what is not copied and why. */
  readonly onLeftOut?: ((path: string, why: string) => void) | undefined;
  /** Told how many bytes have been copied so far, with those of the archive that they travel in. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/**
 * The files of containers, running or not: their tasks' file systems, their snapshots, their folders. It takes the daemon's host, and root
 * for all containers that have a file system of their own. A container's links never lead out of it, and no archive out of the folder
 * that it is unpacked in; a copy that fails takes back what it has made; nothing is left mounted.
 */
export interface ContainerFiles {
  /**
   * Copies a file or folder out of a container. A folder goes into a folder that is there, or becomes `localPath`; `path` ending in `/.`
   * means what is in it.
   * @throws not_found, failed_precondition where one cannot take the other's place, permission_denied, resource_exhausted for a full
   * disk, not_implemented for runtimes that let nobody at their files.
   */
  copyOut(ctx: RequestContext, id: string, path: string, localPath: string, options?: CopyFilesOptions): Promise<void>;
  /** Copies a file or folder into a container, by the same rules. */
  copyIn(ctx: RequestContext, localPath: string, id: string, path: string, options?: CopyFilesOptions): Promise<void>;
  /** A file or folder of a container as a tar archive, with its owners as they are inside. */
  archive(
    ctx: RequestContext,
    id: string,
    path: string,
    options?: Pick<CopyFilesOptions, "followLink">,
  ): AsyncIterable<Uint8Array>;
  /** Unpacks a tar archive into a folder of a container. */
  unpack(
    ctx: RequestContext,
    id: string,
    path: string,
    archive: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options?: Omit<CopyFilesOptions, "followLink">,
  ): Promise<void>;
  /**
   * What a container has changed of the files that it was made with, by name; a folder comes before what is in it.
   * @throws not_found; failed_precondition for one that was not made from an image; not_implemented for those of Docker and LXD.
   */
  changes(ctx: RequestContext, id: string): AsyncIterable<FileChange>;
  /**
   * Makes an image of these changes on top of the container's own, unpacked and ready to run. An image of that name is replaced.
   * @throws like `changes`; failed_precondition also when the container's image is gone.
   */
  commit(ctx: RequestContext, id: string, name: string, options?: CommitOptions): Promise<Image>;
}

export function createContainerFiles(client: FilesClient): ContainerFiles {
  return {
    copyOut: async (ctx, id, path, localPath, options = {}) => {
      const { followLink = false } = options;
      using source = await containerSource(client, ctx, { id, path }, { followLink });
      using target = await localTarget(localPath);
      await copyBetween(source, target, requestOf(ctx, options));
    },
    copyIn: async (ctx, localPath, id, path, options = {}) => {
      const { followLink = false } = options;
      using source = await localSource(localPath, { followLink });
      using target = await containerTarget(client, ctx, { id, path });
      await copyBetween(source, target, requestOf(ctx, options));
    },
    archive: (ctx, id, path, options = {}) => archiveOf(client, ctx, { id, path }, options.followLink ?? false),
    unpack: async (ctx, id, path, archive, options = {}) => {
      using target = await containerTarget(client, ctx, { id, path });
      await unpackInto(target, archive, requestOf(ctx, options));
    },
    changes: (ctx, id) => changesOf(client, ctx, id),
    commit: (ctx, id, name, options) => commitContainer(client, ctx, id, name, options),
  };
}

const requestOf = ({ signal }: RequestContext, options: CopyFilesOptions): UnpackRequest => {
  const { keepOwners = false, onLeftOut, onBytes } = options;
  return { keepOwners, onLeftOut, onBytes, signal };
};

async function* archiveOf(
  client: FilesClient,
  ctx: RequestContext,
  place: { readonly id: string; readonly path: string },
  followLink: boolean,
): AsyncGenerator<Uint8Array> {
  using source = await containerSource(client, ctx, place, { followLink });
  yield* untilAborted(source.archive(source.asContents ? "." : source.name), ctx.signal);
}
