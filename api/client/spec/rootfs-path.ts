// Paths inside a root filesystem, found as a process in it would find them: no symbolic link and no `..` leads outside.
import { lstatSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { invalidArgument } from "../../core/errors.js";

const MAX_LINKS = 255;

/** The host's path of `path` in `root`. Parts that do not exist stay as they are. @throws invalid_argument for a loop of links. */
export function resolveInRoot(root: string, path: string): string {
  const left = path.split("/").reverse();
  const found: string[] = [];
  let links = 0;
  for (let part = left.pop(); part !== undefined; part = left.pop()) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      found.pop();
      continue;
    }
    const here = join(root, ...found, part);
    if (lstatSync(here, { throwIfNoEntry: false })?.isSymbolicLink() !== true) {
      found.push(part);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw invalidArgument(`too many symbolic links in ${path} of ${root}`);
    const target = readlinkSync(here);
    if (target.startsWith("/")) found.length = 0;
    left.push(...target.split("/").reverse());
  }
  return join(root, ...found);
}
