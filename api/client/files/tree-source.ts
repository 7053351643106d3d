// A file or folder of a tree that is copied.
import type { FileStatus } from "../../../runtime/sys/at.js";
import type { FolderTree } from "../../../runtime/sys/trees/folder-tree.js";
import { failedPrecondition, notFound } from "../../core/errors.js";
import type { CopySource } from "./ends.js";
import { fileError } from "./file-error.js";
import type { IdMap } from "./map-xattr.js";
import { packSpot } from "./pack.js";
import { findSpot, isFolderStatus, type PathText, pathOfSpot, type Spot } from "./spot.js";

export interface TreeSourceOptions {
  readonly tree: FolderTree;
  readonly path: PathText;
  /** As people read it. */
  readonly text: string;
  /** What it is called when the path does not tell. */
  readonly name?: string | undefined;
  /** The target of a link is meant, and not the link. */
  readonly followLink: boolean;
  readonly ids: IdMap;
  readonly closed: ReadonlySet<string>;
  /** Closes the tree. */
  dispose(): void;
}

/** Takes over what `dispose` closes. @throws not_found. */
export function treeSource(options: TreeSourceOptions): CopySource {
  const { tree, path, text, followLink, ids, closed, dispose } = options;
  try {
    const spot = fileError.sync(text, () => findSpot(tree, path, { follow: followLink }));
    if (spot === undefined || !isThere(spot)) throw notFound(`${text}: no such file or folder`);
    const where = pathOfSpot(spot);
    if (closed.has(where) || [...closed].some((folder) => where.startsWith(`${folder}/`))) {
      throw failedPrecondition(`${text} is what the kernel shows, and no file to copy: read it in the container`);
    }
    const isFolder = isFolderStatus(spot.status);
    const last = path.components.at(-1);
    const name = options.name ?? (last === undefined || last === "." || last === ".." ? spot.base : last);
    return {
      isFolder,
      name,
      asContents: isFolder && (path.asContents || spot.base === "."),
      archive: (as) => packSpot(spot, { name: as, ids, closed }),
      [Symbol.dispose]: dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

const isThere = (spot: Spot): spot is Spot & { readonly status: FileStatus } => spot.status !== undefined;
