// Where a user's sockets and pipes lie, which end with the session: a folder that is the user's alone.
// @source XDG Base Directory Specification ($XDG_RUNTIME_DIR)
import { lstatSync, mkdirSync, type Stats } from "node:fs";
import { isAbsolute } from "node:path";
import { hasCode } from "./errno.js";

const MODE = 0o700;
const MISSING = "there is none";

/** What is wrong with a folder that must be a user's alone; undefined when nothing is. */
function problemWith(path: string, uid: number): string | undefined {
  const facts = factsOf(path);
  if (typeof facts === "string") return facts;
  if (!facts.isDirectory()) return "it is none";
  const mode = facts.mode & 0o777;
  if (facts.uid === uid && mode === MODE) return undefined;
  return `it is of uid ${facts.uid} with mode 0${mode.toString(8).padStart(3, "0")}`;
}

function factsOf(path: string): Stats | string {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? MISSING;
  } catch (error) {
    if (hasCode(error, "EACCES", "ENOTDIR", "ELOOP")) return "it cannot be reached";
    throw error;
  }
}

/**
 * The folder of a user other than root: `$XDG_RUNTIME_DIR`; without it `/run/user/UID` where that is the user's alone, else
 * `/tmp/berth-UID`. Nothing is made or checked.
 */
export function runtimeDirOf(uid: number, env: Readonly<Record<string, string | undefined>>): string {
  const given = env["XDG_RUNTIME_DIR"];
  // By the specification a relative one counts as unset.
  if (given !== undefined && isAbsolute(given)) return given;
  const session = `/run/user/${uid}`;
  return problemWith(session, uid) === undefined ? session : `/tmp/berth-${uid}`;
}

/** Makes the folder when it is not there. @returns what is wrong when it is not the user's alone, saying whose it is. */
export function makeRuntimeDir(path: string, uid: number): string | undefined {
  try {
    mkdirSync(path, { mode: MODE });
  } catch (error) {
    if (!hasCode(error, "EEXIST", "EACCES", "EPERM", "ENOENT", "ENOTDIR", "ELOOP", "EROFS")) throw error;
  }
  return problemText(path, uid);
}

/** @returns what is wrong with a folder in which something is looked for: none at all is fine. */
export function checkRuntimeDir(path: string, uid: number): string | undefined {
  return factsOf(path) === MISSING ? undefined : problemText(path, uid);
}

function problemText(path: string, uid: number): string | undefined {
  const problem = problemWith(path, uid);
  return problem && `${path} must be a folder of uid ${uid} with mode 0700: ${problem}`;
}
