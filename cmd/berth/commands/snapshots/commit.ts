// berth snapshots commit: makes an active snapshot one that others can build on.
import { defineCommand } from "../../command.js";
import { UsageError } from "../../exit-status.js";
import { rootLabel } from "../../snapshots.js";
import { type SnapshotterFlags, snapshotterOf } from "../../snapshotter-flag.js";

export const command = defineCommand<SnapshotterFlags>({
  arguments: "[name] [active]",
  completes: ["none", "snapshot"],
  examples: [
    {
      line: "berth snapshots commit base work",
      does: "makes of the active snapshot work one that others can build on",
    },
  ],
  help: "The committed snapshot stays until it is removed.",
  run: async ({ client, request }, [name = "", key = ""], flags) => {
    if (key === "") throw new UsageError("please name the committed snapshot and the active one");
    await client.snapshots.get(snapshotterOf(flags)).commit(request, name, key, { labels: rootLabel() });
  },
});
