// berth debug profile: where processor time goes.
import { defineProfileCommand } from "./profile-command.js";

export const command = defineProfileCommand({
  kind: "cpu",
  path: "profile",
  seconds: 30,
  help: "A .cpuprofile, for the Performance tab of Chrome's developer tools and for VS Code. With --debug-socket a profile for `go tool pprof`.",
  examples: [
    { line: "berth debug profile -s 10s -o berthd.cpuprofile", does: "what berthd does for ten seconds" },
    {
      line: "berth pprof -d /run/containerd/debug.sock profile -o cpu.pb.gz",
      does: "the same of containerd, for go tool pprof",
    },
  ],
});
