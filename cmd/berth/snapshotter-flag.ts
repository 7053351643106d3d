// --snapshotter, for the commands that unpack or look into images.
import type { Command } from "commander";

/** @source containerd cmd/ctr/commands/commands.go (SnapshotterFlags), containerd.go (DefaultSnapshotter) */
const DEFAULT_SNAPSHOTTER = "overlayfs";

export interface SnapshotterFlags {
  snapshotter?: string;
}

export function addSnapshotterOption(command: Command): void {
  command.option(
    "--snapshotter <name>",
    `where layers are unpacked ($CONTAINERD_SNAPSHOTTER; default: ${DEFAULT_SNAPSHOTTER})`,
  );
}

/** The one that is meant; an empty name stands for the default. */
export function snapshotterOf({ snapshotter }: SnapshotterFlags): string {
  return snapshotter || process.env["CONTAINERD_SNAPSHOTTER"] || DEFAULT_SNAPSHOTTER;
}
