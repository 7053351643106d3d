// berth namespaces ls: all of them.
import { defineCommand } from "../../command.js";
import { renderLabels } from "../../render/labels.js";

export const command = defineCommand<{ quiet?: boolean }>({
  formats: true,
  options: (command) => {
    command.option("-q, --quiet", "only the names");
  },
  run: async ({ client, request, output }, _, flags) => {
    output.list(
      await client.namespaces.list(request),
      {
        style: { gap: 1, lastColumn: "padded" },
        id: ({ name }) => name,
        columns: [
          { title: "NAME", text: ({ name }) => name },
          { title: "LABELS", text: ({ labels }) => renderLabels(labels) },
        ],
        json: (namespace) => namespace,
      },
      flags,
    );
  },
});
