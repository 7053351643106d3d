// berth snapshots prepare: a writable snapshot, over a committed one or over nothing.
// @source containerd cmd/ctr/commands/snapshots/snapshots.go (prepareCommand)
import { defineCommand } from "../../command.js";
import { UsageError } from "../../exit-status.js";
import { mountCommands, mountsDocument, rootLabel } from "../../snapshots.js";
import { type SnapshotterFlags, snapshotterOf } from "../../snapshotter-flag.js";

interface PrepareFlags extends SnapshotterFlags {
  target?: string;
  mounts?: boolean;
}

export const command = defineCommand<PrepareFlags>({
  arguments: "[key] [parent]",
  completes: ["none", "snapshot"],
  examples: [
    { line: "berth snapshots prepare work base", does: "a writable snapshot over a committed one" },
    { line: "berth snapshots prepare -t /mnt work base | sh", does: "and mounts it" },
  ],
  help: "It stays until it is removed.",
  options: (command) => {
    command
      .option("-t, --target <path>", "print the commands that mount it there")
      .option("--mounts", "print its mounts as JSON");
  },
  run: async ({ client, request, output }, [key, parent = ""], flags) => {
    if (key === undefined) throw new UsageError("please name the snapshot");
    const mounts = await client.snapshots
      .get(snapshotterOf(flags))
      .prepare(request, key, { parent, labels: rootLabel() });
    for (const line of flags.target === undefined ? [] : mountCommands(flags.target, mounts)) output.line(line);
    if (flags.mounts === true) output.document(mountsDocument(mounts));
  },
});
