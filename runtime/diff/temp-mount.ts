// Mounts on a temporary folder for as long as a piece of work takes.
// @source containerd core/mount/temp.go, temp_unix.go
import { mkdtempSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import type { Mount } from "../../api/core/task.js";
import { mount, unmount } from "../sys/mount.js";

const PREFIX = "berth-mount";

/** Runs `work` with the folder on which `mounts`, one over the other, are mounted. No mounts: an empty folder. */
export async function withTempMount<T>(
  tempDir: string,
  mounts: readonly Mount[],
  work: (folder: string) => T | Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tempDir, PREFIX));
  try {
    for (const { type, source, options } of mounts) mount({ type, source, target: folder, options });
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
  const UPPER = "upperdir=";
  const LOWER = "lowerdir=";
  const upper = options.find((option) => option.startsWith(UPPER))?.slice(UPPER.length);
  const kept = options.filter((option) => !option.startsWith(UPPER) && !option.startsWith("workdir="));
  if (upper === undefined) return kept;
  return kept.map((option) => (option.startsWith(LOWER) ? `${LOWER}${upper}:${option.slice(LOWER.length)}` : option));
}

/** Unmounts all of a temporary folder and removes it. What is still busy goes out of sight now and away when it is free. */
export function takeDown(folder: string): void {
  while (unmount(folder, { detach: true }));
  rmdirSync(folder);
}
