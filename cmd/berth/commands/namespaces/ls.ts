// berth namespaces ls: all of them.
import { defineCommand } from "../../command.js";
import { renderLabels } from "../../render/labels.js";

export const command = defineCommand({
  lists: true,
  watches: true,
  examples: [
    { line: "berth namespaces ls", does: "all of them" },
    {
      line: "for ns in $(berth namespaces ls -q); do berth -n $ns tasks ls; done",
      does: "the tasks of every namespace",
    },
  ],
  run: async ({ client, request, output }) => {
    output.list(await client.namespaces.list(request), {
      style: { gap: 1, lastColumn: "padded" },
      id: ({ name }) => name,
      columns: [
        { title: "NAME", text: ({ name }) => name },
        { title: "LABELS", text: ({ labels }) => renderLabels(labels) },
      ],
      json: (namespace) => namespace,
    });
  },
});
