// Files in the shared folder, by the paths that callers name. Every folder on the way is opened from the one before and no link is
// followed, so none leads out of it.
import { constants, fstatSync, openSync } from "node:fs";
import { invalidArgument } from "../../../api/core/errors.js";
import { check, closeFd, openAt, openFolderAt } from "../../../runtime/sys/at.js";

const { O_CREAT, O_DIRECTORY, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const FLAGS = { read: O_RDONLY, write: O_WRONLY | O_CREAT } as const;
/** A container's files are for nobody else to read. */
const NEW_FILE_MODE = 0o600;

/** The path's names. A leading slash means the shared folder. @throws invalid_argument for one that names no file below it. */
export function sharedNames(path: string): [string, ...string[]] {
  const [first, ...rest] = path.split("/").filter((name) => name !== "" && name !== ".");
  if (first === undefined || path.endsWith("/")) {
    throw invalidArgument(`path ${JSON.stringify(path)} names no file in the shared folder`);
  }
  const names: [string, ...string[]] = [first, ...rest];
  if (names.includes("..") || path.includes("\0")) {
    throw invalidArgument(`path ${JSON.stringify(path)} is not one within the shared folder`);
  }
  return names;
}

/**
 * A descriptor of a file, to be closed with `closeFd`; for writing it is made when it is missing, and what it holds stays.
 * @throws invalid_argument; an Error with an errno code, ELOOP or ENOTDIR where the path leads through a link.
 */
export function openShared(sharedDir: string, path: string, way: keyof typeof FLAGS): number {
  const names = sharedNames(path).map((name) => Buffer.from(name).toString("latin1"));
  const last = names.pop() ?? "";
  let folder = openSync(sharedDir, O_RDONLY | O_DIRECTORY);
  try {
    for (const name of names) {
      const next = check(openFolderAt(folder, name), "open", name);
      closeFd(folder);
      folder = next;
    }
    // Not blocking, should it be a FIFO.
    const fd = check(openAt(folder, last, FLAGS[way] | O_NONBLOCK, NEW_FILE_MODE), "open", last);
    if (fstatSync(fd).isFile()) return fd;
    closeFd(fd);
    throw invalidArgument(`path ${JSON.stringify(path)} is no regular file`);
  } finally {
    closeFd(folder);
  }
}

/** By which calls that take a path reach an open file anew. */
export const pathOfFd = (fd: number): string => `/proc/self/fd/${fd}`;
