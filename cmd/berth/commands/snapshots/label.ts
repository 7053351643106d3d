// berth snapshots label: sets labels, clears them (`key=`), or shows them.
import { defineCommand } from "../../command.js";
import { UsageError } from "../../exit-status.js";
import { parseLabels } from "../../flags.js";
import { renderLabels } from "../../render/labels.js";
import { type SnapshotterFlags, snapshotterOf } from "../../snapshotter-flag.js";

export const command = defineCommand<SnapshotterFlags>({
  arguments: "[name] [labels...]",
  completes: ["snapshot", "none"],
  examples: [{ line: "berth snapshots label web team=blue", does: "sets a label" }],
  help: "key=value sets a label, key= clears it. Other labels stay. Without labels those that are there are shown.",
  run: async ({ client, request, output }, [name = "", ...pairs], flags) => {
    if (name === "") throw new UsageError("please name a snapshot");
    const snapshots = client.snapshots.get(snapshotterOf(flags));
    const labels = parseLabels(pairs);
    const paths = Object.keys(labels).map((key) => `labels.${key}`);
    const info =
      paths.length === 0
        ? await snapshots.stat(request, name)
        : await snapshots.update(request, { name, labels }, paths);
    output.line(renderLabels(info.labels));
  },
});
