// berth content ls: the blobs of a namespace.
// @source containerd cmd/ctr/commands/content/content.go (listCommand)
import type { ContentInfo } from "../../../../api/core/content.js";
import { formatTime } from "../../../../api/core/time.js";
import { defineCommand } from "../../command.js";
import { renderDecimalSize, renderSince } from "../../render/age.js";
import { renderLabels } from "../../render/labels.js";

export const command = defineCommand({
  arguments: "[filters...]",
  lists: true,
  completes: ["none"],
  examples: [
    { line: "berth content ls", does: "the blobs of the namespace" },
    { line: "berth content ls -q 'labels.team==blue'", does: "only the digests of those that match" },
  ],
  help: "Filters, of which one must match: digest==sha256:…, labels.key==value, labels.key (it is there).",
  run: async ({ client, request, output }, filters) => {
    const blobs: ContentInfo[] = [];
    for await (const page of client.content.list(request, filters)) blobs.push(...page);
    output.list(blobs, {
      style: { fill: "tabs", lastColumn: "bare" },
      id: ({ digest }) => digest,
      columns: [
        { title: "DIGEST", text: ({ digest }) => digest },
        { title: "SIZE", text: ({ sizeBytes }) => renderDecimalSize(sizeBytes) },
        { title: "AGE", text: ({ createdAtNs }) => renderSince(createdAtNs) },
        { title: "LABELS", text: ({ labels }) => renderLabels(labels) || "-" },
      ],
      json: ({ digest, sizeBytes, createdAtNs, updatedAtNs, labels }) => ({
        digest,
        size: sizeBytes,
        createdAt: formatTime(createdAtNs),
        updatedAt: formatTime(updatedAtNs),
        labels,
      }),
    });
  },
});
