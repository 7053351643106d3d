// Mounts of snapshots, mounted for as long as a test looks at them.
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Mount } from "../../api/core/task.js";
import { mount, unmount } from "../../runtime/sys/mount.js";

/** Mounts all of them on one folder, runs `use` with its path, and unmounts. */
export async function mounted<T>(mounts: readonly Mount[], use: (path: string) => T | Promise<T>): Promise<T> {
  const target = await mkdtemp(join(tmpdir(), "berth-mounted-"));
  let count = 0;
  try {
    for (const one of mounts) {
      mount({ ...one, target });
      count += 1;
    }
    return await use(target);
  } finally {
    for (; count > 0; count--) unmount(target, { detach: true });
    await rmdir(target);
  }
}
