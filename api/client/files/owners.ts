// Whose copies are, and what of that a copy may carry. Without their owners copies belong to one user, whoever the archive names; so
// what gives powers to an owner (set-id bits, capabilities, access lists, device nodes) is not carried along then.

import { pathAt } from "../../../runtime/sys/at.js";
import { hasCode } from "../../../runtime/sys/errno.js";
import type { Folder } from "../../../runtime/sys/trees/folder-tree.js";
import { setXattr } from "../../../runtime/sys/xattr.js";
import { errorOf } from "../../core/errors.js";
import { XATTR_PREFIX } from "../../core/tar/pax.js";
import type { TarEntry } from "../../core/tar/reader.js";
import { type IdMap, mapXattr } from "./map-xattr.js";

const PERMISSIONS = 0o7777;
const SET_ID_BITS = 0o6000;

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface OwnersOptions {
  /** Owners and all that goes with them stay what the archive says. */
  readonly keep: boolean;
  /** From the archive's users to the tree's. */
  readonly ids: IdMap;
  /** Of everything, unless owners are kept. Undefined: whoever copies. */
  readonly owner: Owner | undefined;
  /** Make device nodes, also without their owners. */
  readonly devices: boolean;
}

export class Owners {
  readonly keep: boolean;
  readonly ids: IdMap;
  readonly makesDevices: boolean;
  readonly #owner: Owner | undefined;

  constructor({ keep, ids, owner, devices }: OwnersOptions) {
    this.keep = keep;
    this.ids = ids;
    this.makesDevices = keep || devices;
    this.#owner = owner;
  }

  /** Undefined: nothing is to be done. @throws permission_denied for owners that only root could give. */
  of(entry: TarEntry, where: string): Owner | undefined {
    if (!this.keep) return this.#owner;
    const owner = { uid: this.ids.uid(entry.uid), gid: this.ids.gid(entry.gid) };
    const own = process.geteuid?.() ?? 0;
    if (own !== 0 && (owner.uid !== own || owner.gid !== process.getegid?.()))
      throw errorOf("permission_denied", `${where}: only root can give files to user ${owner.uid}`);
    return owner;
  }

  /** Of folders that an archive needs without describing them. */
  ofMissing(): Owner | undefined {
    return this.#owner;
  }

  modeOf({ mode }: TarEntry): number {
    return mode & (this.keep ? PERMISSIONS : PERMISSIONS & ~SET_ID_BITS);
  }
}

const KEPT_WITH_OWNERS = new Set(["security.capability", "system.posix_acl_access", "system.posix_acl_default"]);

/** Those of `base` in an open folder. What the file system has no room for is left out. */
export function setXattrsOf(folder: Folder, base: string, { pax, type }: TarEntry, { keep, ids }: Owners): void {
  if (pax.size === 0 || type === "2") return;
  for (const [key, value] of pax) {
    if (!key.startsWith(XATTR_PREFIX)) continue;
    const name = decodeName(key.slice(XATTR_PREFIX.length));
    if (!name.startsWith("user.") && !(keep && KEPT_WITH_OWNERS.has(name))) continue;
    try {
      setXattr(pathAt(folder.fd, base), name, mapXattr(name, Buffer.from(value, "latin1"), ids));
    } catch (error) {
      if (!hasCode(error, "ENOTSUP", "EOPNOTSUPP")) throw error;
    }
  }
}

/** GNU tar writes the signs that end a key otherwise. */
const decodeName = (bytes: string): string =>
  Buffer.from(bytes, "latin1").toString().replaceAll("%3D", "=").replaceAll("%25", "%");
