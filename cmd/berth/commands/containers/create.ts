// berth containers create: a record, nothing running yet.
// @source containerd cmd/ctr/commands/containers/containers.go
import { withLease } from "../../../../api/client/remote-lease-store.js";
import { defineCommand } from "../../command.js";
import { addContainerOptions, type ContainerFlags, containerOf } from "../../container-flags.js";

export const command = defineCommand<ContainerFlags>({
  arguments: "[rootfs] [id] [command...]",
  passThrough: true,
  help: `  berth containers create --rootfs ./rootfs web /bin/httpd -f
  berth tasks start -d web`,
  options: (command) => addContainerOptions(command, { cpuShares: 0 }),
  run: async ({ client, request, namespace }, args, flags) => {
    const container = await containerOf(flags, namespace, args);
    await withLease(client.leases, request, (leased) => client.containers.create(leased, container));
  },
});
