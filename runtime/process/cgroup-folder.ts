// One group of one hierarchy, as a folder: what every version has in common.
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { failedPrecondition, invalidArgument } from "../../api/core/errors.js";
import { hasCode } from "../sys/errno.js";
import { systemReason } from "./system-text.js";

/** Parents below this name are ours: they go with the last group in them. */
export const OWN_PARENT = "berth";
const PROCS = "cgroup.procs";
const FIRST_LOOK_MS = 1;
const SLOWEST_LOOK_MS = 20;
const DEADLINE_MS = 10_000;

export const readGroupFile = async (folder: string, name: string): Promise<string> =>
  await readFile(join(folder, name), "utf8");

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
      await makeFolders(target, mount);
      for (const folder of prepare === undefined ? [] : foldersTo(mount, path)) await prepare?.(folder);
      return target;
    } catch (error) {
      // Somebody else removed a parent that had become empty.
      if (!hasCode(error, "ENOENT") || attempt >= 100) throw error;
    }
  }
}

/** Mostly all parents are there. */
async function makeFolders(folder: string, mount: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    if (hasCode(error, "EEXIST")) return;
    if (!hasCode(error, "ENOENT") || dirname(folder) === mount) throw error;
    await makeFolders(dirname(folder), mount);
    await mkdir(folder).catch((again: unknown) => {
      if (!hasCode(again, "EEXIST")) throw again;
    });
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
  for (const group of await groupTree(folder)) {
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
    for (const group of (await groupTree(folder)).reverse()) {
      const isGone = await rmdir(group).then(
        () => true,
        (error: unknown) => {
          if (hasCode(error, "ENOENT")) return true;
          if (hasCode(error, "EBUSY", "ENOTEMPTY")) return false;
          throw error;
        },
      );
      if (!isGone) return false;
    }
    return true;
  });
  for (let parent = dirname(folder); parent.split("/").includes(OWN_PARENT); parent = dirname(parent)) {
    const isGone = await rmdir(parent).then(
      () => true,
      () => false,
    );
    if (!isGone) return;
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
async function groupTree(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  });
  if (entries === undefined) return [];
  const below: string[] = [];
  for (const entry of entries) if (entry.isDirectory()) below.push(...(await groupTree(join(folder, entry.name))));
  return [folder, ...below];
}
