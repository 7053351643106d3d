// The native snapshotter: each snapshot is a whole copy of its parent. Slow, but it works on every file system and without root.
// @source containerd plugins/snapshots/native/native.go
import type { SnapshotBackend } from "../../../api/core/snapshot-backend.js";
import { diskUsage } from "../disk-usage.js";
import { SnapshotFolders } from "../folders.js";
import { copyTree } from "./copy-tree.js";

/** @param rootDir folder of its own, made when needed. */
export function createNativeBackend(rootDir: string): SnapshotBackend {
  const folders = new SnapshotFolders(rootDir);
  return {
    name: "native",
    rootDir,
    mountsName: "snapshot mount",
    canRebase: false,
    check: async () => undefined,

    create: ({ id, kind, parents: [parent] }) =>
      folders.create(id, async (path) => {
        if (kind === "active" && parent !== undefined) await copyTree(folders.path(parent), path);
      }),

    // A view shows its parent itself.
    mounts({ id, kind, parents: [parent] }) {
      const isView = kind !== "active";
      const source = folders.path(isView && parent !== undefined ? parent : id);
      return [{ type: "bind", source, options: ["rbind", isView ? "ro" : "rw"] }];
    },

    usage: (id) => diskUsage(folders.path(id)),
    remove: (id) => folders.remove(id),
    list: () => folders.list(),
  };
}
