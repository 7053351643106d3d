// berth content rm: forgets blobs; those that are not there need no forgetting.
// @source containerd cmd/ctr/commands/content/content.go (deleteCommand)
import { isNotFound } from "../../../../api/core/errors.js";
import { defineCommand } from "../../command.js";
import { digestArgument } from "../../digest-argument.js";
import { forEach } from "../../for-each.js";

export const command = defineCommand({
  arguments: "[digests...]",
  completes: ["content"],
  examples: [{ line: "berth content rm sha256:…", does: "forgets a blob" }],
  run: async (context, digests) =>
    await forEach(context, digests, async (text) => {
      const digest = digestArgument(text);
      try {
        await context.client.content.delete(context.request, digest);
      } catch (error) {
        if (isNotFound(error)) return;
        throw error;
      }
      context.output.line(digest);
    }),
});
