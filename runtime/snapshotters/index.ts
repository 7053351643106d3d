// The list of snapshotters that are built in.
import { join } from "node:path";
import type { SnapshotBackend } from "../../api/core/snapshot-backend.js";
import { createNativeBackend } from "./native/backend.js";
import { createOverlayfsBackend } from "./overlayfs/backend.js";

const BACKENDS = { overlayfs: createOverlayfsBackend, native: createNativeBackend };

/** Each in its folder below the daemon's root, named as containerd names it. */
export function snapshotBackends(rootDir: string): SnapshotBackend[] {
  return Object.entries(BACKENDS).map(([name, create]) =>
    create(join(rootDir, `io.containerd.snapshotter.v1.${name}`)),
  );
}
