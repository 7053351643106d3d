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
  help: `  berth containers create docker.io/library/busybox:latest box
  berth containers create --rootfs ./rootfs web /bin/httpd -f
  berth tasks start -d web`,
  options: (command) => addContainerOptions(command, { cpuShares: 0 }),
  run: async (context, words, flags) => {
    const target = parseTarget(flags, words);
    await interruptible(context.request, (request) => createContainer({ ...context, request }, flags, target));
  },
});
