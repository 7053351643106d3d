// berth images unmount: what mount has put on a folder.
// @source containerd cmd/ctr/commands/images/unmount.go
import { resolve } from "node:path";
import { isNotFound } from "../../../../api/core/errors.js";
import { unmount } from "../../../../runtime/sys/mount.js";
import { defineCommand } from "../../command.js";
import { UsageError } from "../../exit-status.js";
import { collect } from "../../flags.js";
import { addUnusedRegistryOptions } from "../../registry-flags.js";
import { addSnapshotterOption, type SnapshotterFlags, snapshotterOf } from "../../snapshotter-flag.js";

export const command = defineCommand<SnapshotterFlags & { rm?: boolean }>({
  arguments: "[target]",
  completes: ["file"],
  examples: [{ line: "berth images unmount --rm /mnt", does: "takes the mount and its snapshot away" }],
  options: (command) => {
    addSnapshotterOption(command);
    addUnusedRegistryOptions(command);
    command
      .option("--rm", "remove the snapshot too")
      .addOption(command.createOption("--label <key=value>").argParser(collect).hideHelp());
  },
  run: async ({ client, request, output }, [target = ""], flags) => {
    if (target === "") throw new UsageError("please provide a target path to unmount from");
    unmount(resolve(target));
    if (flags.rm === true) {
      // ctr holds what it has mounted by a lease of that name.
      await client.leases.delete(request, target).catch(unlessNotFound);
      await client.snapshots.get(snapshotterOf(flags)).remove(request, target).catch(unlessNotFound);
    }
    output.line(target);
  },
});

function unlessNotFound(error: unknown): void {
  if (!isNotFound(error)) throw error;
}
