// The overlayfs snapshotter: each snapshot is a folder of what it adds, `<number>/fs`, and the kernel stacks them.
// @source containerd plugins/snapshots/overlay/overlay.go
import { lchown, lstat } from "node:fs/promises";
import { join } from "node:path";
import type { SnapshotBackend, SnapshotFolder } from "../../../api/core/snapshot-backend.js";
import type { Mount } from "../../../api/core/task.js";
import { diskUsage } from "../disk-usage.js";
import { makeFolder, SnapshotFolders } from "../folders.js";
import { mappedOwner, type Owner } from "../id-mapping.js";
import { probeOverlay } from "./probe.js";

const FS_MODE = 0o755;
const WORK_MODE = 0o711;

const bind = (source: string, access: "rw" | "ro"): readonly Mount[] => [
  { type: "bind", source, options: [access, "rbind"] },
];

/** @param rootDir folder of its own, made when needed. */
export function createOverlayfsBackend(rootDir: string): SnapshotBackend {
  const folders = new SnapshotFolders(rootDir);
  let extraOptions: readonly string[] = [];
  const fsOf = (id: number): string => join(folders.path(id), "fs");
  const workOf = (id: number): string => join(folders.path(id), "work");

  async function ownerOf({ labels, parents: [parent] }: SnapshotFolder): Promise<Owner | undefined> {
    const mapped = mappedOwner(labels);
    return mapped ?? (parent === undefined ? undefined : await lstat(fsOf(parent)));
  }

  return {
    name: "overlayfs",
    rootDir,
    mountsName: "active mount",

    async check() {
      const { problem, options } = await probeOverlay(rootDir);
      extraOptions = options;
      return problem;
    },

    async create(folder) {
      const owner = await ownerOf(folder);
      await folders.create(folder.id, async (path) => {
        const fs = join(path, "fs");
        await makeFolder(fs, FS_MODE);
        if (owner !== undefined) await lchown(fs, owner.uid, owner.gid);
        if (folder.kind === "active") await makeFolder(join(path, "work"), WORK_MODE);
      });
    },

    mounts({ id, kind, parents }) {
      const [parent, ...further] = parents;
      if (parent === undefined) return bind(fsOf(id), kind === "active" ? "rw" : "ro");
      if (kind !== "active" && further.length === 0) return bind(fsOf(parent), "ro");
      const own = kind === "active" ? [`workdir=${workOf(id)}`, `upperdir=${fsOf(id)}`] : [];
      const options = [...extraOptions, ...own, `lowerdir=${parents.map(fsOf).join(":")}`];
      return [{ type: "overlay", source: "overlay", options }];
    },

    usage: (id) => diskUsage(fsOf(id)),
    remove: (id) => folders.remove(id),
    list: () => folders.list(),
    retire: (ids) => folders.retire(ids),
  };
}
