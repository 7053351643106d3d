// berth shim state: what the shim says of a process.
import { formatTime, fromTimestamp } from "../../../../api/core/time.js";
import { defineCommand } from "../../command.js";
import { connectShim, execIdOf, type ShimFlags } from "../../shim-client.js";

export const command = defineCommand<ShimFlags>({
  arguments: "[exec]",
  lists: true,
  completes: ["exec"],
  help: "status: 1 created, 2 running, 3 stopped, 4 paused, 5 pausing.",
  examples: [
    { line: "berth shim --id web state", does: "the state of a task as its shim has it" },
    { line: "berth shim --id web state shell", does: "that of an exec" },
  ],
  run: async (context, args, flags) => {
    await using shim = await connectShim(context, flags);
    const state = await shim.call(shim.api.state, { id: shim.id, execId: execIdOf(shim, args) });
    const told = {
      id: state.id,
      bundle: state.bundle,
      pid: state.pid,
      status: Number(state.status),
      stdin: state.stdin,
      stdout: state.stdout,
      stderr: state.stderr,
      terminal: state.terminal,
      exit_status: state.exitStatus,
      exited_at: formatTime(fromTimestamp(state.exitedAt)),
      exec_id: state.execId,
    };
    // What is nothing is left out, as ctr does.
    context.output.document(Object.fromEntries(Object.entries(told).filter(([, value]) => Boolean(value))));
  },
});
