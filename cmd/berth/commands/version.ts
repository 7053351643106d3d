// berth version: who we are and who answers.
import { buildInfo } from "../../shared/build-info.js";
import { defineCommand } from "../command.js";

export const command = defineCommand({
  lists: "document",
  examples: [
    { line: "berth version", does: "of berth and of the daemon that answers" },
    { line: "berth version --format json", does: "the same for a program" },
  ],
  run: async ({ client, request, output }) => {
    const { version } = buildInfo();
    const isTable = output.isForPeople;
    if (isTable) {
      output.line(`Client:\n  Version:  ${version}\n  Node.js version: ${process.version}\n`);
    }
    const server = await client.version(request);
    const { uuid } = await client.introspection.server(request);
    if (isTable) output.line(`Server:\n  Version:  ${server.version}\n  Revision: ${server.revision}\n  UUID: ${uuid}`);
    else output.document({ client: { version, node: process.version }, server: { ...server, uuid } });
  },
});
