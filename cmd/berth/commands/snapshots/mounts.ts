// berth snapshots mounts: the commands that mount an active snapshot or a view.
import { defineCommand } from "../../command.js";
import { UsageError } from "../../exit-status.js";
import { mountCommands } from "../../snapshots.js";
import { type SnapshotterFlags, snapshotterOf } from "../../snapshotter-flag.js";

export const command = defineCommand<SnapshotterFlags>({
  arguments: "[target] [key]",
  completes: ["file", "snapshot"],
  examples: [{ line: "berth snapshots mounts /mnt web | sh", does: "mounts a snapshot" }],
  run: async ({ client, request, output }, [target = "", key = ""], flags) => {
    if (key === "") throw new UsageError("please name a target and a snapshot");
    const mounts = await client.snapshots.get(snapshotterOf(flags)).mounts(request, key);
    for (const line of mountCommands(target, mounts)) output.line(line);
  },
});
