// berth gc explain: why a blob, snapshot or image is still there.
import type { HoldingChain } from "../../../../api/core/collector.js";
import { defineCommand } from "../../command.js";

export const command = defineCommand({
  arguments: "<digest|snapshot|image>",
  formats: true,
  completes: ["image"],
  examples: [
    { line: "berth gc explain docker.io/library/busybox:latest", does: "what holds an image" },
    { line: "berth gc explain sha256:…", does: "what holds a blob" },
  ],
  help: `Shows every chain from something that lives by itself (an image, a container, a lease, a label) down to the one asked
about. Without any, the next run of the collector takes it.`,
  run: async ({ client, request, output }, [subject = ""]) => {
    const chains = await client.collector.explain(request, subject);
    if (output.format !== "table" && output.format !== "wide") {
      output.list([...chains], { id: () => subject, columns: [], json: (chain) => chain });
      return;
    }
    if (chains.length === 0) output.line(`nothing holds ${subject}: the next run of the collector takes it`);
    for (const chain of chains) output.line(render(chain));
  },
});

/** Each step below the one that holds it. */
function render(chain: HoldingChain): string {
  return chain
    .map(({ node, by }, depth) => `${"  ".repeat(depth)}${depth === 0 ? "" : "└─ "}${node.type} ${node.key} (${by})`)
    .join("\n");
}
