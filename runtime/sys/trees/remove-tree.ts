// Removing whatever has a name, with all that is in it, without following anything.
import { readdirSync } from "node:fs";
import { constants } from "node:os";
import { check, closeFd, openFolderAt, removeFolderAt, unlinkAt } from "../at.js";

const { EISDIR, ENOENT, EPERM } = constants.errno;

/** The names in an open folder, as byte strings, in no order. */
export const listFolder = (fd: number): string[] => readdirSync(`/proc/self/fd/${fd}`, "latin1");

/** Nothing there is fine. @throws an Error with an errno code. */
export function removeTree(folder: number, name: string): void {
  const result = unlinkAt(folder, name);
  if (result >= 0 || result === -ENOENT) return;
  if (result !== -EISDIR && result !== -EPERM) check(result, "unlink", name);
  if (removeFolderAt(folder, name) >= 0) return;
  const fd = check(openFolderAt(folder, name), "open", name);
  try {
    for (const child of listFolder(fd)) removeTree(fd, child);
  } finally {
    closeFd(fd);
  }
  check(removeFolderAt(folder, name), "rmdir", name);
}
