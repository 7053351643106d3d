// Looking into a snapshot: its mounts, made for a moment, read-only, where nobody else looks.
// @source containerd mount/temp.go (WithTempMount), mount/mount_linux.go (readonlyMounts)
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mount, shownWithoutMounting, unmount } from "../../runtime/sys/mount.js";
import type { Mount } from "../core/task.js";

/** Read-only, and so that an overlay's upper layer is not taken by two at a time: it is the uppermost of the lower ones. */
export function readOnlyMount({ type, source, options }: Mount): Mount {
  if (type !== "overlay") return { type, source, options: [...options.filter((option) => option !== "rw"), "ro"] };
  const value = (key: string): string | undefined =>
    options.find((one) => one.startsWith(`${key}=`))?.slice(key.length + 1);
  const lower = [value("upperdir"), value("lowerdir")].filter((folder) => folder !== undefined).join(":");
  const kept = options.filter((option) => !/^(?:upperdir|workdir|lowerdir)=/.test(option) && option !== "rw");
  return { type, source, options: [...kept, `lowerdir=${lower}`, "ro"] };
}

/** Runs `read` with the folder where the mounts are. Needs the right to mount, except for a single bind mount. */
export async function readMounted<T>(mounts: readonly Mount[], read: (root: string) => T | Promise<T>): Promise<T> {
  const shown = shownWithoutMounting(mounts);
  if (shown !== undefined) return await read(shown);
  const target = await mkdtemp(join(tmpdir(), "berth-mount-"));
  let count = 0;
  try {
    for (const one of mounts) {
      mount({ ...readOnlyMount(one), target });
      count += 1;
    }
    return await read(target);
  } finally {
    for (; count > 0; count -= 1) unmount(target, { detach: true });
    await rmdir(target);
  }
}
