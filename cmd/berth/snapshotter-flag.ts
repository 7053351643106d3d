// --snapshotter, for the commands that unpack or look into images.
// @source containerd cmd/ctr/commands/commands.go (SnapshotterFlags)
import type { Command } from "commander";
import { defaultSnapshotter } from "../../api/client/default-snapshotter.js";

export interface SnapshotterFlags {
  snapshotter?: string;
}

export function addSnapshotterOption(command: Command): void {
  command.option(
    "--snapshotter <name>",
    "where layers are unpacked ($CONTAINERD_SNAPSHOTTER; default: overlayfs for root, native for others)",
  );
}

/** The one that is meant; an empty name stands for the default. */
export function snapshotterOf({ snapshotter }: SnapshotterFlags): string {
  return snapshotter || process.env["CONTAINERD_SNAPSHOTTER"] || defaultSnapshotter();
}
