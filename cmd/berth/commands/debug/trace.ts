// berth debug trace: what Node does, in the order of time.
import { defineProfileCommand } from "./profile-command.js";

export const command = defineProfileCommand({
  kind: "trace",
  path: "trace",
  seconds: 5,
  help: "JSON of Chrome's trace format, for ui.perfetto.dev. With --debug-socket a trace for `go tool trace`.",
  examples: [{ line: "berth debug trace -s 2s -o berthd.trace.json", does: "two seconds of berthd, event by event" }],
});
