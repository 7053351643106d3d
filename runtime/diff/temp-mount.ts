// Mounts on a temporary folder for as long as a piece of work takes.
// @source containerd core/mount/temp.go, temp_unix.go
import { closeSync, constants, mkdtempSync, openSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import type { Mount } from "../../api/core/task.js";
import { mount, shownWithoutMounting, unmount } from "../sys/mount.js";

const PREFIX = "berth-mount";
const UPPER = "upperdir=";
const LOWER = "lowerdir=";
const LONG_OPTIONS = 3500;

/**
 * Runs `work` with the folder on which `mounts`, one over the other, are mounted. No mounts: an empty folder. A user may mount
 * nothing, and gets the folder itself that a bind mount would show.
 */
export async function withTempMount<T>(
  tempDir: string,
  mounts: readonly Mount[],
  work: (folder: string) => T | Promise<T>,
): Promise<T> {
  const shown = shownWithoutMounting(mounts);
  if (shown !== undefined) return await work(shown);
  const folder = mkdtempSync(join(tempDir, PREFIX));
  try {
    for (const one of mounts) mountOn(folder, one);
    return await work(folder);
  } finally {
    takeDown(folder);
  }
}

/**
 * The same trees, not to be written to: what an overlay would write into its upper folder becomes its topmost lower one.
 * @source containerd core/mount/mount.go (readonlyMounts)
 */
export function readonlyMounts(mounts: readonly Mount[]): Mount[] {
  return mounts.map((mount) => ({ ...mount, options: mount.type === "overlay" ? asLower(mount) : asReadOnly(mount) }));
}

const asReadOnly = ({ options }: Mount): string[] => [
  ...options.filter((option) => option !== "rw" && option !== "ro"),
  "ro",
];

function asLower({ options }: Mount): string[] {
  const upper = options.find((option) => option.startsWith(UPPER))?.slice(UPPER.length);
  const kept = options.filter((option) => !option.startsWith(UPPER) && !option.startsWith("workdir="));
  if (upper === undefined) return kept;
  return kept.map((option) => (option.startsWith(LOWER) ? `${LOWER}${upper}:${option.slice(LOWER.length)}` : option));
}

/** The kernel takes one page of options; an overlay of many folders names them by their descriptors, which is shorter. */
function mountOn(target: string, { type, source, options }: Mount): void {
  const isLong = options.join(",").length > LONG_OPTIONS;
  const lower = isLong && type === "overlay" ? options.find((option) => option.startsWith(LOWER)) : undefined;
  if (lower === undefined) {
    mount({ type, source, target, options });
    return;
  }
  const open: number[] = [];
  try {
    for (const path of lower.slice(LOWER.length).split(":")) open.push(openSync(path, constants.O_DIRECTORY));
    const short = LOWER + open.map((fd) => `/proc/self/fd/${fd}`).join(":");
    mount({ type, source, target, options: options.map((option) => (option === lower ? short : option)) });
  } finally {
    for (const fd of open) closeSync(fd);
  }
}

/** Unmounts all of a temporary folder and removes it. What is still busy goes out of sight now and away when it is free. */
export function takeDown(folder: string): void {
  while (unmount(folder, { detach: true }));
  rmdirSync(folder);
}
