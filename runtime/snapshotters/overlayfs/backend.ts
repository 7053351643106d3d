// The overlayfs snapshotter: each snapshot is a folder of what it adds, `<number>/fs`, and the kernel stacks them.
// @source containerd plugins/snapshots/overlay/overlay.go
import { lchown, lstat, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { LAYER_LABEL } from "../../../api/core/snapshot.js";
import type { SnapshotBackend, SnapshotFolder } from "../../../api/core/snapshot-backend.js";
import type { Mount } from "../../../api/core/task.js";
import { markStandIn, settleImplied } from "../../diff/apply/implied-folders.js";
import { diskUsage } from "../disk-usage.js";
import { makeFolder, SnapshotFolders } from "../folders.js";
import { mappedOwner, type Owner } from "../id-mapping.js";
import { probeOverlay } from "./probe.js";

const FS_MODE = 0o755;
const WORK_MODE = 0o711;

const bind = (source: string, access: "rw" | "ro"): readonly Mount[] => [
  { type: "bind", source, options: [access, "rbind"] },
];

/** Whether it is filled apart from what it will lie on. */
const isLayer = ({ kind, parents, labels }: SnapshotFolder): boolean =>
  kind === "active" && parents.length === 0 && Object.hasOwn(labels, LAYER_LABEL);

/** @param rootDir folder of its own, made when needed. */
export function createOverlayfsBackend(rootDir: string): SnapshotBackend {
  const folders = new SnapshotFolders(rootDir);
  let extraOptions: readonly string[] = [];
  const fsOf = (id: number): string => join(folders.path(id), "fs");
  const workOf = (id: number): string => join(folders.path(id), "work");
  /** What layers without a parent are mounted over: in an overlay they can tell what they remove. */
  const emptyDir = join(rootDir, "empty");
  const stacked = (own: readonly string[], lower: readonly string[]): Mount => ({
    type: "overlay",
    source: "overlay",
    options: [...extraOptions, ...own, `lowerdir=${lower.join(":")}`],
  });

  async function ownerOf({ labels, parents: [parent] }: SnapshotFolder): Promise<Owner | undefined> {
    const mapped = mappedOwner(labels);
    return mapped ?? (parent === undefined ? undefined : await lstat(fsOf(parent)));
  }

  return {
    name: "overlayfs",
    rootDir,
    mountsName: "active mount",
    canRebase: true,

    async settleLayer(id, parents) {
      const [parent] = parents;
      const own = await lstat(fsOf(id));
      // As it would have been made over them, unless labels gave it an owner.
      if (parent !== undefined && own.uid === 0 && own.gid === 0) {
        const { uid, gid } = await lstat(fsOf(parent));
        if (uid !== 0 || gid !== 0) await lchown(fsOf(id), uid, gid);
      }
      await settleImplied(fsOf(id), parents.map(fsOf));
    },

    async check() {
      const { problem, options } = await probeOverlay(rootDir);
      extraOptions = options;
      return problem;
    },

    async create(folder) {
      const owner = await ownerOf(folder);
      if (isLayer(folder)) {
        await mkdir(emptyDir, { recursive: true, mode: FS_MODE });
        markStandIn(emptyDir);
      }
      await folders.create(folder.id, async (path) => {
        const fs = join(path, "fs");
        await makeFolder(fs, FS_MODE);
        if (owner !== undefined) await lchown(fs, owner.uid, owner.gid);
        if (folder.kind === "active") await makeFolder(join(path, "work"), WORK_MODE);
      });
    },

    mounts(folder) {
      const { id, kind, parents } = folder;
      const [parent, ...further] = parents;
      if (isLayer(folder)) return [stacked([`workdir=${workOf(id)}`, `upperdir=${fsOf(id)}`], [emptyDir])];
      if (parent === undefined) return bind(fsOf(id), kind === "active" ? "rw" : "ro");
      if (kind !== "active" && further.length === 0) return bind(fsOf(parent), "ro");
      const own = kind === "active" ? [`workdir=${workOf(id)}`, `upperdir=${fsOf(id)}`] : [];
      return [stacked(own, parents.map(fsOf))];
    },

    usage: (id) => diskUsage(fsOf(id)),
    remove: (id) => folders.remove(id),
    list: () => folders.list(),
    retire: (ids) => folders.retire(ids),
  };
}
