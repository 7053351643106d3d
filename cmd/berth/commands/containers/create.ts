// berth containers create: a record, nothing running yet.
// @source containerd cmd/ctr/commands/containers/containers.go
import { defineCommand } from "../../command.js";
import { addContainerOptions, parseTarget } from "../../container-flags.js";
import type { ContainerFlags } from "../../container-request.js";
import { createContainer } from "../../create-container.js";
import { interruptible } from "../../interrupt.js";

export const command = defineCommand<ContainerFlags>({
  arguments: "[image|rootfs] [id] [command...]",
  passThrough: true,
  completes: ["image", "none", "none"],
  examples: [
    {
      line: "berth containers create docker.io/library/busybox:latest web httpd -f",
      does: "a container for later; berth tasks start runs it",
    },
    { line: "berth containers create --rootfs ./rootfs web /bin/httpd -f", does: "on a folder" },
  ],
  options: (command) => {
    addContainerOptions(command, { cpuShares: 0 });
    command.option("--pid-file <file>", "taken for scripts, as by ctr: tasks start has the one that writes");
  },
  run: async (context, words, flags) => {
    const target = parseTarget(flags, words);
    await interruptible(context.request, (request) => createContainer({ ...context, request }, flags, target));
  },
});
