// berth content get: a blob's bytes on stdout.
import { defineCommand } from "../../command.js";
import { digestArgument } from "../../digest-argument.js";

export const command = defineCommand({
  arguments: "[digest]",
  completes: ["content"],
  examples: [{ line: "berth content get sha256:… > blob", does: "writes a blob to a file" }],
  run: async ({ client, request, output }, [digest]) => {
    await output.bytes(client.content.read(request, digestArgument(digest)));
  },
});
