// berth snapshots info: the record of a snapshot.
// @source containerd cmd/ctr/commands/snapshots/snapshots.go (infoCommand)
import { formatTime } from "../../../../api/core/time.js";
import { defineCommand } from "../../command.js";
import { UsageError } from "../../exit-status.js";
import { kindTitle } from "../../snapshots.js";
import { type SnapshotterFlags, snapshotterOf } from "../../snapshotter-flag.js";

export const command = defineCommand<SnapshotterFlags>({
  arguments: "[key]",
  lists: "document",
  completes: ["snapshot"],
  examples: [{ line: "berth snapshots info web", does: "the record of a snapshot" }],
  run: async ({ client, request, output }, [key = ""], flags) => {
    if (key === "") throw new UsageError("please name a snapshot");
    const info = await client.snapshots.get(snapshotterOf(flags)).stat(request, key);
    const labels = Object.entries(info.labels).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    output.document({
      Kind: kindTitle(info.kind),
      Name: info.name,
      Parent: info.parent === "" ? undefined : info.parent,
      Labels: labels.length === 0 ? undefined : new Map(labels),
      Created: formatTime(info.createdAtNs),
      Updated: formatTime(info.updatedAtNs),
    });
  },
});
