// berth snapshots ls: the snapshots of a snapshotter.
// @source containerd cmd/ctr/commands/snapshots/snapshots.go (listCommand)
import { formatTime } from "../../../../api/core/time.js";
import { defineCommand } from "../../command.js";
import { renderLabels } from "../../render/labels.js";
import { kindTitle, listSnapshots } from "../../snapshots.js";
import { type SnapshotterFlags, snapshotterOf } from "../../snapshotter-flag.js";

export const command = defineCommand<SnapshotterFlags>({
  arguments: "[filters...]",
  lists: true,
  watches: true,
  completes: ["none"],
  examples: [
    { line: "berth snapshots ls", does: "the snapshots of the default snapshotter" },
    { line: "berth snapshots --snapshotter native ls kind==active", does: "the active ones of another" },
  ],
  help: "Filters, of which one must match: name==…, parent==…, kind==active, labels.key==value, labels.key (it is there).",
  run: async ({ client, request, output }, filters, flags) => {
    output.list(await listSnapshots(client.snapshots.get(snapshotterOf(flags)), request, filters), {
      style: { gap: 1, lastColumn: "padded" },
      id: ({ name }) => name,
      columns: [
        { title: "KEY", text: ({ name }) => name },
        { title: "PARENT", text: ({ parent }) => parent },
        { title: "KIND", text: ({ kind }) => kindTitle(kind) },
        { title: "LABELS", wide: true, text: ({ labels }) => renderLabels(labels) || "-" },
      ],
      json: ({ name, parent, kind, labels, createdAtNs, updatedAtNs }) => ({
        ...{ name, parent, kind, labels },
        createdAt: formatTime(createdAtNs),
        updatedAt: formatTime(updatedAtNs),
      }),
    });
  },
});
