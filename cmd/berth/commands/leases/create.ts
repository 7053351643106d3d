// berth leases create: a name that holds on to resources until it is deleted or expires.
// @source containerd cmd/ctr/commands/leases/leases.go
import { expiryLabel } from "../../../../api/client/remote-lease-store.js";
import { defineCommand } from "../../command.js";
import { parseDuration, parseLabels } from "../../flags.js";

interface CreateFlags {
  id?: string;
  expires: number;
}

const DAY_MS = 24 * 3_600_000;

export const command = defineCommand<CreateFlags>({
  arguments: "[labels...]",
  completes: ["none"],
  examples: [{ line: "berth leases create --id upload --expires 1h", does: "a lease that ends by itself" }],
  options: (command) => {
    command
      .option("--id <id>", "default: one that the daemon makes up")
      .addOption(
        command
          .createOption("-x, --expires <duration>", "0 for never")
          .argParser(parseDuration)
          .default(DAY_MS, "24h0m0s"),
      );
  },
  run: async ({ client, request, output }, pairs, flags) => {
    const expiry =
      flags.expires === 0 ? {} : { "containerd.io/gc.expire": expiryLabel(new Date(Date.now() + flags.expires)) };
    const lease = await client.leases.create(request, {
      ...(flags.id === undefined ? {} : { id: flags.id }),
      labels: { ...expiry, ...parseLabels(pairs) },
    });
    output.line(lease.id);
  },
});
