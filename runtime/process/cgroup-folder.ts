// One group of one hierarchy, as a folder: what every version has in common. It is kernel memory, so most calls are made without
// waiting, at a tenth of what asking another thread costs; those that move, freeze or limit processes may take the kernel a while.
import { type Dirent, mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { failedPrecondition, invalidArgument } from "../../api/core/errors.js";
import { hasCode } from "../sys/errno.js";
import { systemReason } from "../sys/system-text.js";

/** Parents below this name are ours: they go with the last group in them. */
export const OWN_PARENT = "berth";
const PROCS = "cgroup.procs";
const FIRST_LOOK_MS = 1;
const SLOWEST_LOOK_MS = 20;
const DEADLINE_MS = 10_000;

export const readGroupFile = async (folder: string, name: string): Promise<string> =>
  readFileSync(join(folder, name), "utf8");

/** Each write is one call, as the kernel wants it. */
export async function writeGroupFile(folder: string, name: string, value: string | number): Promise<void> {
  await writeFile(join(folder, name), String(value), { flag: "r+" });
}

/** Does nothing where the file, or the whole group, is not there. */
export async function writeIfThere(folder: string, name: string, value: string | number): Promise<void> {
  try {
    await writeGroupFile(folder, name, value);
  } catch (error) {
    if (!hasCode(error, "ENOENT", "ENODEV")) throw error;
  }
}

/** @throws invalid_argument for a value that the kernel does not take. */
export async function writeLimit(folder: string, name: string, value: string): Promise<void> {
  try {
    await writeGroupFile(folder, name, value);
  } catch (error) {
    if (!hasCode(error, "EINVAL", "ERANGE", "EBUSY")) throw error;
    throw invalidArgument(`failed to write "${value}" to ${name}: ${systemReason(error)}`, error);
  }
}

/** The text of a file that not every kernel or controller has; undefined then. */
export async function readIfThere(folder: string, name: string): Promise<string | undefined> {
  try {
    return await readGroupFile(folder, name);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENODEV", "EOPNOTSUPP")) return undefined;
    throw error;
  }
}

/**
 * Makes the group and those above it; one that is there already is fine. `prepare` is called for each of them, from the top, also for
 * those that are there: somebody else may just have made one and not come to preparing it.
 * @throws an Error with an errno code: EACCES, EROFS, …
 */
export async function makeGroup(
  mount: string,
  path: string,
  prepare?: (folder: string) => Promise<void>,
): Promise<string> {
  const target = join(mount, path);
  for (let attempt = 0; ; attempt += 1) {
    try {
      makeFolders(target, mount);
      for (const folder of prepare === undefined ? [] : foldersTo(mount, path)) await prepare?.(folder);
      return target;
    } catch (error) {
      // Somebody else removed a parent that had become empty.
      if (!hasCode(error, "ENOENT") || attempt >= 100) throw error;
    }
  }
}

/** Mostly all parents are there. */
function makeFolders(folder: string, mount: string): void {
  try {
    makeFolder(folder);
  } catch (error) {
    if (!hasCode(error, "ENOENT") || dirname(folder) === mount) throw error;
    makeFolders(dirname(folder), mount);
    makeFolder(folder);
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  }
}

function foldersTo(mount: string, path: string): string[] {
  const folders: string[] = [];
  for (const part of path.split("/").filter((name) => name !== "")) folders.push(join(folders.at(-1) ?? mount, part));
  return folders;
}

/** Of the group and those below; empty when it is gone. */
export async function groupPids(folder: string): Promise<number[]> {
  const pids = new Set<number>();
  for (const group of groupTree(folder)) {
    for (const line of ((await readIfThere(group, PROCS)) ?? "").split("\n")) {
      // 0 is a process that this PID namespace cannot name.
      if (line !== "" && line !== "0") pids.add(Number(line));
    }
  }
  return [...pids];
}

export const addToGroup = async (folder: string, pid: number): Promise<void> =>
  await writeGroupFile(folder, PROCS, pid);

/** Removes the group and those below, which must be without processes, and parents of ours that are empty then. */
export async function removeGroup(folder: string): Promise<void> {
  // A process that has just died may keep its group busy for a moment.
  await until(`cgroup ${folder} is busy`, async () => {
    return groupTree(folder)
      .reverse()
      .every((group) => removeFolder(group));
  });
  for (let parent = dirname(folder); parent.split("/").includes(OWN_PARENT); parent = dirname(parent)) {
    if (!removeFolder(parent, "EACCES", "EPERM")) return;
  }
}

/** @returns whether it is gone; not while it has processes or groups below it, nor for the errors in `excused`. */
function removeFolder(folder: string, ...excused: string[]): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return true;
    if (hasCode(error, "EBUSY", "ENOTEMPTY", ...excused)) return false;
    throw error;
  }
}

/** Looks again and again. @throws failed_precondition with `failure` after 10 s. */
export async function until(failure: string, isDone: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  for (let pauseMs = FIRST_LOOK_MS; !(await isDone()); pauseMs = Math.min(pauseMs * 2, SLOWEST_LOOK_MS)) {
    if (Date.now() >= deadline) throw failedPrecondition(failure);
    await sleep(pauseMs);
  }
}

/** The group and those below, parents first; a task may have made some itself. */
function groupTree(folder: string): string[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
  const below = entries.flatMap((entry) => (entry.isDirectory() ? groupTree(join(folder, entry.name)) : []));
  return [folder, ...below];
}
