// berth debug block: how long the event loop is held up.
import { defineProfileCommand } from "./profile-command.js";

export const command = defineProfileCommand({
  kind: "block",
  path: "block",
  seconds: 5,
  text: true,
  help: `How late the event loop comes to what is due, in nanoseconds, and how much of the time it works. With --debug-socket the blocking
profile of a daemon written in Go.`,
  examples: [{ line: "berth debug block -s 10s", does: "how long berthd is held up" }],
});
