// berth content label: sets labels, clears them (`key=`), or shows them.
import { defineCommand } from "../../command.js";
import { digestArgument } from "../../digest-argument.js";
import { parseLabels } from "../../flags.js";
import { renderLabels } from "../../render/labels.js";

export const command = defineCommand({
  arguments: "[digest] [labels...]",
  completes: ["content", "none"],
  examples: [
    { line: "berth content label sha256:… containerd.io/gc.root=1", does: "keeps a blob that nothing else holds" },
  ],
  help: "key=value sets a label, key= clears it. Other labels stay. Without labels those that are there are shown.",
  run: async ({ client, request, output }, [text, ...pairs]) => {
    const digest = digestArgument(text);
    const labels = parseLabels(pairs);
    const paths = Object.keys(labels).map((key) => `labels.${key}`);
    const info =
      paths.length === 0
        ? await client.content.info(request, digest)
        : await client.content.update(request, { digest, labels }, paths);
    output.line(renderLabels(info.labels));
  },
});
