// Folders of our own: made when they are not there, and refused in words when this process may not make or fill them.
import { access, constants, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { errorOf } from "../api/core/errors.js";
import { hasCode } from "../runtime/sys/errno.js";

/**
 * Makes a folder with those above it, and makes sure that files can be made in it.
 * @param what names it in errors, for example "root folder"
 * @throws permission_denied that says who may write where; an Error with an errno code for anything else.
 */
export async function makeOwnFolder(what: string, path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode });
    await access(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw await withReason(what, path, error);
  }
}

/** The reason of a failure to make `path`, or something in it; errors other than of missing rights stay as they are. */
async function withReason(what: string, path: string, error: unknown): Promise<unknown> {
  if (!hasCode(error, "EACCES", "EPERM", "EROFS")) return error;
  const who = `uid ${process.geteuid?.() ?? -1}`;
  if (hasCode(error, "EROFS")) {
    return errorOf("permission_denied", `${what} ${path}: the file system is mounted read-only`, error);
  }
  for (let folder = path; ; folder = dirname(folder)) {
    const facts = await stat(folder).catch(() => undefined);
    if (facts === undefined && folder !== "/") continue;
    const owner = facts === undefined ? "" : ` (of uid ${facts.uid}, mode 0${(facts.mode & 0o7777).toString(8)})`;
    return errorOf("permission_denied", `${what} ${path}: ${who} may not write to ${folder}${owner}`, error);
  }
}
