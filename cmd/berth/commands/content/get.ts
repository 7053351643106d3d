// berth content get: a blob's bytes on stdout.
import { defineCommand } from "../../command.js";
import { digestArgument } from "../../digest-argument.js";

export const command = defineCommand({
  arguments: "[digest]",
  run: async ({ client, request, output }, [digest]) => {
    await output.bytes(client.content.read(request, digestArgument(digest)));
  },
});
