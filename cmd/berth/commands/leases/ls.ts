// berth leases ls: the leases of a namespace.
import { formatTime } from "../../../../api/core/time.js";
import { defineCommand } from "../../command.js";
import { renderLabels } from "../../render/labels.js";
import { shortTime } from "../../render/time.js";

export const command = defineCommand({
  arguments: "[filters...]",
  lists: true,
  watches: true,
  completes: ["none"],
  examples: [{ line: "berth leases ls", does: "the leases of the namespace" }],
  run: async ({ client, request, output }, filters) => {
    output.list(await client.leases.list(request, filters), {
      style: { gap: 1, lastColumn: "padded" },
      id: ({ id }) => id,
      columns: [
        { title: "ID", text: ({ id }) => id },
        { title: "CREATED AT", text: ({ createdAtNs }) => shortTime(createdAtNs) },
        { title: "LABELS", text: ({ labels }) => renderLabels(labels) || "-" },
      ],
      json: ({ id, createdAtNs, labels }) => ({ id, createdAt: formatTime(createdAtNs), labels }),
    });
  },
});
