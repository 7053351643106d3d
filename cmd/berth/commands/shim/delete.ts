// berth shim delete: removes a process that has ended, and with the task's first one the container of the runtime.
import { defineCommand } from "../../command.js";
import { connectShim, execIdOf, type ShimFlags } from "../../shim-client.js";

export const command = defineCommand<ShimFlags>({
  arguments: "[exec]",
  completes: ["exec"],
  help: "The daemon goes on knowing the task until it is deleted there, too.",
  examples: [{ line: "berth shim --id web delete", does: "removes what is left of a task that has ended" }],
  run: async (context, args, flags) => {
    await using shim = await connectShim(context, flags);
    const { exitStatus } = await shim.call(shim.api.delete, { id: shim.id, execId: execIdOf(shim, args) });
    context.output.line(`container deleted and returned exit status ${exitStatus}`);
  },
});
