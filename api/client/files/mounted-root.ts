// The root of mounts as an open folder. It is mounted for the blink of an eye: the open folder alone keeps it, so that it goes with
// whoever holds that, however they end.
import { constants, openSync, readFileSync } from "node:fs";
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mount, shownWithoutMounting, unmount } from "../../../runtime/sys/mount.js";
import { failedPrecondition } from "../../core/errors.js";
import type { Mount } from "../../core/task.js";
import { readOnlyMount } from "../read-mounted.js";
import { parseMountTable } from "./mount-table.js";

const UPPER = "upperdir=";
const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY;

/**
 * @returns a descriptor of the root, writable as the mounts are.
 * @throws failed_precondition when there are none, an Error with an errno code (EPERM: without the right to mount).
 */
export async function openMounted(mounts: readonly Mount[]): Promise<number> {
  const shown = shownWithoutMounting(mounts) ?? mountedAlready(mounts);
  if (shown !== undefined) return openSync(shown, FOLDER);
  if (mounts.length === 0) throw failedPrecondition("the snapshot has no mounts");
  const target = await mkdtemp(join(tmpdir(), "berth-files-"));
  let count = 0;
  try {
    for (const one of mounts) {
      mount({ ...one, target });
      count += 1;
    }
    return openSync(target, FOLDER);
  } finally {
    for (; count > 0; count -= 1) unmount(target, { detach: true });
    await rmdir(target);
  }
}

/** The same, not to be written to. */
export const openMountedReadOnly = async (mounts: readonly Mount[]): Promise<number> =>
  await openMounted(mountedAlready(mounts) === undefined ? mounts.map(readOnlyMount) : mounts);

/** The folder in which an overlay keeps what was changed; undefined for mounts of another kind. */
export function upperFolderOf(mounts: readonly Mount[]): string | undefined {
  const [only, ...more] = mounts;
  if (only?.type !== "overlay" || more.length > 0) return undefined;
  return only.options.find((option) => option.startsWith(UPPER))?.slice(UPPER.length);
}

/** An upper layer must not be mounted twice: that of a task that has ended and was not deleted is still where it was. */
function mountedAlready(mounts: readonly Mount[]): string | undefined {
  const upper = upperFolderOf(mounts);
  if (upper === undefined) return undefined;
  const bytes = Buffer.from(UPPER + upper).toString("latin1");
  const lines = parseMountTable(readFileSync("/proc/self/mountinfo", "latin1"));
  const found = lines.findLast(({ type, superOptions }) => type === "overlay" && superOptions.includes(bytes));
  return found === undefined ? undefined : Buffer.from(found.target, "latin1").toString();
}
