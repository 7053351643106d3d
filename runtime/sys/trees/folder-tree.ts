// The folders of a tree by open descriptors: how a path is followed without ever leaving the tree. Every component is opened from
// its parent's descriptor and no link is followed by the kernel: links are read, and gone along within the tree as if it were the
// whole world. So neither `..`, nor absolute names, nor links can lead out, whatever else happens to the tree meanwhile.
// @source containerd/continuity fs/path.go (RootPath: what a path within a root means)
import { constants } from "node:os";
import { check, chmodFd, closeFd, makeFolderAt, openFolderAt, readable, readLinkAt } from "../at.js";
import { systemError } from "../libc.js";

const { ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG } = constants.errno;
/** As the kernel counts: a path with more links works for nobody. */
const MAX_LINKS = 40;
const MAX_DEPTH = 4096;
/** Open folders beyond which all are closed before the next entry. */
const MAX_OPEN = 1000;
const PATH_BYTES = 4096;

/** An open folder of the tree. Its path has no links in it. */
export interface Folder {
  readonly fd: number;
  readonly parent: Folder | undefined;
  /** As a byte string, from the root, each component ending in `/`; "" is the root. */
  readonly path: string;
  readonly depth: number;
  readonly children: Map<string, Folder>;
}

/** The components of a name, `..` taken as far as the root; none: the root itself. Purely by the letters. */
export function cleanComponents(name: string): string[] {
  if (name.length >= PATH_BYTES) throw systemError("open", ENAMETOOLONG, `${readable(name.slice(0, 64))}…`);
  const components: string[] = [];
  for (const component of name.split("/")) {
    if (component === "..") components.pop();
    else if (component !== "" && component !== ".") components.push(component);
  }
  return components;
}

export interface ResolveOptions {
  /** Make what is missing, with mode 0755. Told of each folder so made. */
  readonly made?: (folder: Folder) => void;
}

export class FolderTree implements Disposable {
  readonly root: Folder;
  #open = 0;

  /** Takes over `fd`, an open folder. */
  constructor(fd: number) {
    this.root = { fd, parent: undefined, path: "", depth: 0, children: new Map() };
  }

  /** Closes folders if many are open. What was resolved before must not be used any more. */
  trim(): void {
    if (this.#open > MAX_OPEN) this.#closeBelow(this.root);
  }

  /**
   * Follows components from the root.
   * @returns undefined when something is missing and was not to be made.
   * @throws an Error with an errno code: ENOTDIR where something else is in the way, ELOOP, …
   */
  resolve(components: readonly string[], options: ResolveOptions = {}): Folder | undefined {
    const ahead = components.toReversed();
    let folder = this.root;
    let links = 0;
    for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        folder = folder.parent ?? folder;
        continue;
      }
      const known = folder.children.get(name);
      const next = known ?? this.#enter(folder, name, options);
      if (next === undefined) return undefined;
      if (typeof next !== "string") {
        folder = next;
        continue;
      }
      links += 1;
      if (links > MAX_LINKS) throw systemError("open", ELOOP, readable(folder.path + name));
      if (next.startsWith("/")) folder = this.root;
      ahead.push(...next.split("/").toReversed());
    }
    return folder;
  }

  /** Opens one component; answers a link's target instead of going there. */
  #enter(folder: Folder, name: string, options: ResolveOptions): Folder | string | undefined {
    const fd = openFolderAt(folder.fd, name);
    if (fd >= 0) return this.#keep(folder, name, fd);
    if (fd === -ENOTDIR || fd === -ELOOP) {
      const target = readLinkAt(folder.fd, name);
      if (typeof target === "string") return target;
    }
    if (fd !== -ENOENT) throw systemError("open", -fd, readable(folder.path + name));
    if (options.made === undefined) return undefined;
    const made = this.makeFolder(folder, name);
    check(chmodFd(made.fd, 0o755), "chmod", made.path);
    options.made(made);
    return made;
  }

  /** @throws EEXIST and others. */
  makeFolder(folder: Folder, name: string): Folder {
    check(makeFolderAt(folder.fd, name, 0o755), "mkdir", folder.path + name);
    return this.openChild(folder, name);
  }

  /** A folder that is there. @throws ENOTDIR for anything else, links among them. */
  openChild(folder: Folder, name: string): Folder {
    const known = folder.children.get(name);
    if (known !== undefined) return known;
    return this.#keep(folder, name, check(openFolderAt(folder.fd, name), "open", folder.path + name));
  }

  #keep(parent: Folder, name: string, fd: number): Folder {
    if (parent.depth >= MAX_DEPTH) {
      closeFd(fd);
      throw systemError("open", ENAMETOOLONG, `${readable(parent.path.slice(0, 64))}…`);
    }
    const folder = { fd, parent, path: `${parent.path}${name}/`, depth: parent.depth + 1, children: new Map() };
    parent.children.set(name, folder);
    this.#open += 1;
    return folder;
  }

  /** A name is about to go, or to mean something else. */
  forget(parent: Folder, name: string): void {
    const folder = parent.children.get(name);
    if (folder === undefined) return;
    parent.children.delete(name);
    this.#closeBelow(folder);
    this.#close(folder);
  }

  #closeBelow(folder: Folder): void {
    for (const child of folder.children.values()) {
      this.#closeBelow(child);
      this.#close(child);
    }
    folder.children.clear();
  }

  #close(folder: Folder): void {
    closeFd(folder.fd);
    this.#open -= 1;
  }

  [Symbol.dispose](): void {
    this.#closeBelow(this.root);
    closeFd(this.root.fd);
  }
}
