// The verbs of `berth shim`.
// @source containerd cmd/ctr/commands/shim/shim.go
import type { CommandGroup } from "../../command.js";

export const shimGroup: CommandGroup = {
  name: "shim",
  aliases: [],
  summary: "talk to a task's shim, past the daemon",
  options: (command) => {
    command.option("--id <container>", "whose shim it is");
  },
  verbs: [
    { name: "delete", aliases: [], summary: "delete a process that has ended", load: () => import("./delete.js") },
    { name: "exec", aliases: [], summary: "run one more process", load: () => import("./exec.js") },
    { name: "start", aliases: [], summary: "start a process that was created", load: () => import("./start.js") },
    { name: "state", aliases: [], summary: "what a process is doing", load: () => import("./state.js") },
  ],
};
