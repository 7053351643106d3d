// berth debug goroutines: under ctr's name what comes next to it, berth debug report.
import { defineProfileCommand } from "./profile-command.js";

export const command = defineProfileCommand({
  kind: "report",
  path: "goroutine?debug=2",
  text: true,
  help: "Node has no goroutines: of berthd it is what `debug report` shows. With --debug-socket the stacks of all of them.",
  examples: [{ line: "berth pprof -d /run/containerd/debug.sock goroutines", does: "what containerd is doing" }],
});
