// berth namespaces create: a namespace with labels; writing into one makes it, too.
import { defineCommand } from "../../command.js";
import { parseLabels } from "../../flags.js";

export const command = defineCommand({
  arguments: "<name> [labels...]",
  completes: ["none", "none"],
  examples: [{ line: "berth namespaces create build team=blue", does: "a namespace with a label" }],
  run: async ({ client, request }, [name = "", ...pairs]) => {
    await client.namespaces.create(request, { name, labels: parseLabels(pairs) });
  },
});
