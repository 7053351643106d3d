// A place in a tree that a copy goes to.
import { setImmediate } from "node:timers/promises";
import type { FolderTree } from "../../../runtime/sys/trees/folder-tree.js";
import { failedPrecondition, notFound } from "../../core/errors.js";
import { TarReader } from "../../core/tar/reader.js";
import type { Bytes, CopyTarget, UnpackRequest } from "./ends.js";
import { fileError } from "./file-error.js";
import { Owners, type OwnersOptions } from "./owners.js";
import { findSpot, isFolderStatus, type PathText, pathOfSpot, type Spot } from "./spot.js";
import { Unpacker } from "./unpack.js";
import { untilAborted } from "./until-aborted.js";

const BYTES_A_TURN = 4 * 1024 * 1024;
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;

export interface TreeTargetOptions {
  readonly tree: FolderTree;
  readonly path: PathText;
  /** It was written so that only a folder can be meant. Default: as the path says. */
  readonly asFolder?: boolean;
  /** As people read it. */
  readonly text: string;
  readonly owners: Omit<OwnersOptions, "keep">;
  /** Paths in the tree on which something is mounted, unless that is so for this process as well. */
  readonly mountPoints?: ReadonlySet<string>;
  /** Closes the tree. */
  dispose(): void;
}

/** Takes over what `dispose` closes. @throws not_found where a folder on the way is missing. */
export function treeTarget(options: TreeTargetOptions): CopyTarget {
  const { tree, path, asFolder = path.asFolder, text, owners, mountPoints, dispose } = options;
  try {
    const spot = fileError.sync(text, () => findSpot(tree, path, { follow: true }));
    if (spot === undefined)
      throw notFound(path.asFolder ? `${text}: no such folder` : `${text}: its folder does not exist`);
    const state = stateOf(spot, text);
    const into = (state === "folder" ? pathOfSpot(spot) : spot.folder.path).split("/").filter((one) => one !== "");
    return {
      state,
      name: spot.base,
      asFolder,
      text,
      unpack: async (archive, request) => {
        const { keepOwners: keep, onLeftOut } = request;
        const unpacker = new Unpacker({ tree, into, owners: new Owners({ ...owners, keep }), mountPoints, onLeftOut });
        await fileError.async(text, () => unpackAll(unpacker, archive, request));
      },
      [Symbol.dispose]: dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

function stateOf({ status, base, folder }: Spot, text: string): CopyTarget["state"] {
  if (status === undefined) return "missing";
  if (isFolderStatus(status)) return "folder";
  if ((status.mode & S_IFMT) === S_IFREG) return "file";
  // A copy would take the place of, say, a device that everybody uses.
  throw failedPrecondition(`${text} (${folder.path}${base}) is neither a file nor a folder`);
}

async function unpackAll(unpacker: Unpacker, archive: Bytes, { signal, onBytes }: UnpackRequest): Promise<void> {
  const reader = new TarReader(unpacker);
  try {
    let total = 0;
    let turn = 0;
    for await (const chunk of untilAborted(archive, signal)) {
      reader.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      total += chunk.length;
      onBytes?.(total);
      if (total - turn < BYTES_A_TURN) continue;
      turn = total;
      // The calls are synchronous: signals and others get their turn.
      await setImmediate();
    }
    reader.finish();
    unpacker.finish();
  } catch (error) {
    unpacker.undo();
    throw error;
  }
}
