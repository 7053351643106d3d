// berth containers ls: the records of a namespace.

import { formatTime } from "../../../../api/core/time.js";
import { defineCommand } from "../../command.js";
import { renderLabels } from "../../render/labels.js";
import { shortTime } from "../../render/time.js";

export const command = defineCommand({
  arguments: "[filters...]",
  lists: true,
  watches: true,
  completes: ["none"],
  examples: [
    { line: "berth containers ls", does: "the containers of the namespace" },
    { line: "berth containers ls 'labels.team==blue' image~=nginx", does: "those that one of the filters matches" },
    {
      line: "berth containers ls --fields id,labels.team --format jsonl",
      does: "two fields of each, a line of JSON a container",
    },
  ],
  help: "Filters, of which one must match: id==web, image~=^docker, runtime.name==…, labels.key==value, labels.key (it is there).",
  run: async ({ client, request, output }, args) => {
    const containers = await client.containers.list(request, args);
    output.list(containers, {
      style: { lastColumn: "padded" },
      id: ({ id }) => id,
      columns: [
        { title: "CONTAINER", text: ({ id }) => id },
        { title: "IMAGE", text: ({ image }) => image || "-" },
        { title: "RUNTIME", text: ({ runtime }) => runtime.name },
        { title: "CREATED", wide: true, text: ({ createdAtNs }) => shortTime(createdAtNs) },
        { title: "LABELS", wide: true, text: ({ labels }) => renderLabels(labels) || "-" },
      ],
      json: (container) => ({
        id: container.id,
        image: container.image,
        runtime: container.runtime.name,
        labels: container.labels,
        snapshotter: container.snapshotter,
        snapshotKey: container.snapshotKey,
        sandbox: container.sandbox,
        createdAt: formatTime(container.createdAtNs),
        updatedAt: formatTime(container.updatedAtNs),
      }),
    });
  },
});
