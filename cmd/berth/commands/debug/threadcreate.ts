// berth debug threadcreate: under ctr's name what comes next to it, berth debug report.
import { defineProfileCommand } from "./profile-command.js";

export const command = defineProfileCommand({
  kind: "report",
  path: "threadcreate",
  text: true,
  help: "Node makes its threads at the start: of berthd it is what `debug report` shows. With --debug-socket the profile of a daemon written in Go.",
  examples: [
    {
      line: "berth pprof -d /run/containerd/debug.sock threadcreate > threads.pb.gz",
      does: "what made containerd's threads",
    },
  ],
});
