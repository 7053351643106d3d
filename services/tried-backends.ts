// Which snapshotters work on this host: each is tried before the daemon serves.
import type { Logger } from "../api/core/log.js";
import type { SnapshotBackend } from "../api/core/snapshot-backend.js";
import { snapshotBackends } from "../runtime/snapshotters/index.js";

/** The snapshotters that work here, and why the others do not. */
export async function triedBackends(
  rootDir: string,
  log: Logger,
): Promise<{ usable: SnapshotBackend[]; unusable: { name: string; problem: string }[] }> {
  const usable: SnapshotBackend[] = [];
  const unusable: { name: string; problem: string }[] = [];
  for (const backend of snapshotBackends(rootDir)) {
    const problem = await backend.check();
    if (problem === undefined) usable.push(backend);
    else {
      unusable.push({ name: backend.name, problem });
      log.info({ snapshotter: backend.name, problem }, "snapshotter does not work here");
    }
  }
  return { usable, unusable };
}
