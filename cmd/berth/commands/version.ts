// berth version: who we are and who answers.
import { buildInfo } from "../../shared/build-info.js";
import { defineCommand } from "../command.js";

export const command = defineCommand({
  formats: true,
  run: async ({ client, request, output }) => {
    const { version } = buildInfo();
    const isTable = output.format === "table" || output.format === "wide";
    if (isTable) {
      output.line(`Client:\n  Version:  ${version}\n  Node.js version: ${process.version}\n`);
    }
    const server = await client.version(request);
    const { uuid } = await client.introspection.server(request);
    if (isTable) output.line(`Server:\n  Version:  ${server.version}\n  Revision: ${server.revision}\n  UUID: ${uuid}`);
    else output.document({ client: { version, node: process.version }, server: { ...server, uuid } });
  },
});
