// berth namespaces label: sets labels, clears them (`key=`), or shows them.
import { defineCommand } from "../../command.js";
import { parseLabels } from "../../flags.js";
import { renderLabels } from "../../render/labels.js";

export const command = defineCommand({
  arguments: "<name> [labels...]",
  completes: ["namespace", "none"],
  examples: [{ line: "berth namespaces label build team=blue", does: "sets a label" }],
  help: "key=value sets a label, key= clears it. Other labels stay. Without labels those that are there are shown.",
  run: async ({ client, request, output }, [name = "", ...pairs]) => {
    const labels = parseLabels(pairs);
    const paths = Object.keys(labels).map((key) => `labels.${key}`);
    if (paths.length > 0) await client.namespaces.update(request, { name, labels }, paths);
    else output.line(renderLabels((await client.namespaces.get(request, name)).labels));
  },
});
