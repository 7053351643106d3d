// berth snapshots view: a read-only snapshot of a committed one.
// @source containerd cmd/ctr/commands/snapshots/snapshots.go (viewCommand)
import { defineCommand } from "../../command.js";
import { UsageError } from "../../exit-status.js";
import { mountCommands, mountsDocument } from "../../snapshots.js";
import { type SnapshotterFlags, snapshotterOf } from "../../snapshotter-flag.js";

interface ViewFlags extends SnapshotterFlags {
  target?: string;
  mounts?: boolean;
}

export const command = defineCommand<ViewFlags>({
  arguments: "[key] [parent]",
  completes: ["none", "snapshot"],
  examples: [{ line: "berth snapshots view -t /mnt look base | sh", does: "a read-only snapshot, mounted" }],
  help: "Nothing holds it: label it, or the next run of the collector takes it.",
  options: (command) => {
    command
      .option("-t, --target <path>", "print the commands that mount it there")
      .option("--mounts", "print its mounts as JSON");
  },
  run: async ({ client, request, output }, [key, parent = ""], flags) => {
    if (key === undefined) throw new UsageError("please name the snapshot");
    const mounts = await client.snapshots.get(snapshotterOf(flags)).view(request, key, { parent });
    for (const line of flags.target === undefined ? [] : mountCommands(flags.target, mounts)) output.line(line);
    if (flags.mounts === true) output.document(mountsDocument(mounts));
  },
});
