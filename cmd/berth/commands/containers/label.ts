// berth containers label: sets labels, clears them (`key=`), or shows them.
import { defineCommand } from "../../command.js";
import { parseLabels } from "../../flags.js";
import { renderLabels } from "../../render/labels.js";

export const command = defineCommand({
  arguments: "<container> [labels...]",
  completes: ["container", "none"],
  examples: [{ line: "berth containers label web team=blue tier=", does: "sets one label and clears another" }],
  help: "key=value sets a label, key= clears it. Other labels stay. Without labels those that are there are shown.",
  run: async ({ client, request, output }, [id = "", ...pairs]) => {
    const labels = parseLabels(pairs);
    const paths = Object.keys(labels).map((key) => `labels.${key}`);
    const container =
      paths.length === 0
        ? await client.containers.get(request, id)
        : await client.containers.update(request, { id, labels }, paths);
    output.line(renderLabels(container.labels));
  },
});
