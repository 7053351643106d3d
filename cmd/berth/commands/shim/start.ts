// berth shim start: runs a process that was created.
import { defineCommand } from "../../command.js";
import { connectShim, execIdOf, type ShimFlags } from "../../shim-client.js";

export const command = defineCommand<ShimFlags>({
  arguments: "[exec]",
  completes: ["exec"],
  examples: [{ line: "berth shim --id web start", does: "starts a task that was created, without the daemon" }],
  run: async (context, args, flags) => {
    await using shim = await connectShim(context, flags);
    await shim.call(shim.api.start, { id: shim.id, execId: execIdOf(shim, args) });
  },
});
