// How much of the disk a tree takes.
// @source containerd/continuity fs/du_unix.go
import type { SnapshotUsage } from "../../api/core/snapshot.js";
import { walk } from "./walk.js";

const BLOCK_BYTES = 512n;

/** Blocks and inodes below `root` and of itself; a file of several names counts once. Nothing there is nothing. */
export async function diskUsage(root: string): Promise<SnapshotUsage> {
  const linked = new Set<string>();
  let [blocks, inodes] = [0n, 0];
  await walk(root, (stats) => {
    if (!stats.isDirectory() && stats.nlink > 1n) {
      const inode = `${stats.dev}:${stats.ino}`;
      if (linked.has(inode)) return;
      linked.add(inode);
    }
    blocks += stats.blocks;
    inodes += 1;
  });
  return { sizeBytes: Number(blocks * BLOCK_BYTES), inodes };
}
