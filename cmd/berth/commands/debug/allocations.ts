// berth debug allocations: what takes memory, sampled.
import { defineProfileCommand } from "./profile-command.js";

export const command = defineProfileCommand({
  kind: "allocations",
  path: "allocs",
  seconds: 30,
  help: "A .heapprofile of what was allocated meanwhile and is still there. With --debug-socket a profile for `go tool pprof`.",
  examples: [{ line: "berth debug allocations -s 1m -o berthd.heapprofile", does: "what takes memory in a minute" }],
});
