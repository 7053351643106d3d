// The verbs of `berth debug`, which `ctr` calls pprof.
// @source containerd cmd/ctr/commands/pprof/pprof.go
import type { CommandGroup } from "../../command.js";

export const debugGroup: CommandGroup = {
  name: "debug",
  aliases: ["pprof"],
  summary: "what the daemon's own process is doing",
  options: (command) => {
    command.option(
      "-d, --debug-socket <socket>",
      "ask a daemon written in Go by its debug socket (containerd's: /run/containerd/debug.sock)",
    );
  },
  verbs: [
    { name: "profile", aliases: [], summary: "where processor time goes", load: () => import("./profile.js") },
    { name: "heap", aliases: [], summary: "what memory holds", load: () => import("./heap.js") },
    { name: "allocations", aliases: [], summary: "what takes memory", load: () => import("./allocations.js") },
    { name: "trace", aliases: [], summary: "what the runtime does, in order", load: () => import("./trace.js") },
    { name: "block", aliases: [], summary: "how long the daemon is held up", load: () => import("./block.js") },
    { name: "report", aliases: [], summary: "what is open, versions, memory", load: () => import("./report.js") },
    { name: "goroutines", aliases: [], summary: "what is running in it", load: () => import("./goroutines.js") },
    { name: "threadcreate", aliases: [], summary: "what made its threads", load: () => import("./threadcreate.js") },
  ],
};
