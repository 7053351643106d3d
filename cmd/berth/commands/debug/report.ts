// berth debug report: Node's report on the daemon's process.
import { defineProfileCommand } from "./profile-command.js";

export const command = defineProfileCommand({
  kind: "report",
  path: "goroutine?debug=2",
  text: true,
  help: "Node's diagnostic report as JSON: stack, handles, memory, limits, libraries; without the environment. With --debug-socket all goroutines.",
  examples: [{ line: "berth debug report | jq .libuv", does: "what berthd has open" }],
});
