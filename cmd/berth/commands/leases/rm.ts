// berth leases rm: lets go of what the leases held.
import { defineCommand } from "../../command.js";
import { forEach } from "../../for-each.js";
import { showWaiting } from "../../progress/waiting.js";

export const command = defineCommand<{ sync?: boolean }>({
  arguments: "<leases...>",
  completes: ["lease"],
  examples: [{ line: "berth leases rm --sync upload", does: "lets go, and waits until what nothing holds is gone" }],
  options: (command) => {
    command.option("--sync", "return when what nobody holds any more is gone");
  },
  run: async (context, ids, flags) =>
    await forEach(context, ids, async (id) => {
      await showWaiting(
        `removing ${id}`,
        context.client.leases.delete(context.request, id, { sync: flags.sync === true }),
      );
      context.output.line(id);
    }),
});
