// berth debug heap: what memory holds.
import { defineProfileCommand } from "./profile-command.js";

export const command = defineProfileCommand({
  kind: "heap",
  path: "heap",
  help: `A .heapsnapshot, for the Memory tab of Chrome's developer tools. The daemon answers nobody while it is taken, and it holds whatever is
in memory, credentials included. With --debug-socket a profile for \`go tool pprof\`.`,
  examples: [{ line: "berth debug heap -o berthd.heapsnapshot", does: "everything that is in berthd's memory" }],
});
