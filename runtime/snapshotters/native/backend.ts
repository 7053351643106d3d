// The native snapshotter: each snapshot is a whole copy of its parent. Slow, but it works on every file system and without root.
// @source containerd plugins/snapshots/native/native.go
import { chmod } from "node:fs/promises";
import type { SnapshotBackend } from "../../../api/core/snapshot-backend.js";
import { diskUsage } from "../disk-usage.js";
import { SnapshotFolders } from "../folders.js";
import { copyTree } from "./copy-tree.js";

/** Of a root file system over nothing; what is copied has its parent's. */
const ROOT_MODE = 0o755;

/** @param rootDir folder of its own, made when needed. */
export function createNativeBackend(rootDir: string): SnapshotBackend {
  const folders = new SnapshotFolders(rootDir);
  return {
    name: "native",
    rootDir,
    mountsName: "snapshot mount",
    canRebase: false,
    settleLayer: async () => {},
    check: async () => undefined,

    async create({ id, kind, parents: [parent] }) {
      // A view shows its parent itself, and needs no folder.
      if (kind === "view" && parent !== undefined) return;
      await folders.create(id, async (path) => {
        await chmod(path, ROOT_MODE);
        if (parent !== undefined) await copyTree(folders.path(parent), path);
      });
    },

    mounts({ id, kind, parents: [parent] }) {
      const isView = kind !== "active";
      const source = folders.path(isView && parent !== undefined ? parent : id);
      return [{ type: "bind", source, options: ["rbind", isView ? "ro" : "rw"] }];
    },

    usage: (id) => diskUsage(folders.path(id)),
    remove: (id) => folders.remove(id),
    list: () => folders.list(),
    retire: (ids) => folders.retire(ids),
  };
}
