// berth images label: sets labels, clears them (`key=`), or shows them.
// @source containerd cmd/ctr/commands/images/images.go (setLabels)
import { defineCommand } from "../../command.js";
import { UsageError } from "../../exit-status.js";
import { parseLabels } from "../../flags.js";
import { renderLabels } from "../../render/labels.js";

const NO_TARGET = { mediaType: "", digest: "", sizeBytes: 0, annotations: {} };

export const command = defineCommand<{ replaceAll?: boolean }>({
  arguments: "[name] [labels...]",
  completes: ["image", "none"],
  examples: [{ line: "berth images label example.com/app:1 team=blue", does: "sets a label" }],
  help: "key=value sets a label, key= clears it. Other labels stay. Without labels those that are there are shown.",
  options: (command) => {
    command.option("-r, --replace-all", "drop the other labels");
  },
  run: async ({ client, request, output }, [name = "", ...pairs], flags) => {
    if (name === "") throw new UsageError("please specify an image");
    const labels = parseLabels(pairs);
    const replaceAll = flags.replaceAll === true;
    const paths = replaceAll ? ["labels"] : Object.keys(labels).map((key) => `labels.${key}`);
    const image =
      paths.length === 0
        ? await client.images.get(request, name)
        : await client.images.update(request, { name, labels, target: NO_TARGET }, paths);
    output.line(renderLabels(image.labels));
  },
});
