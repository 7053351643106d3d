// berth content prune references: takes the labels away that keep the layers of images, which are of no use once unpacked.
// @source containerd cmd/ctr/commands/content/prune.go

import { Argument } from "commander";
import { expiryLabel } from "../../../../api/client/remote-lease-store.js";
import type { ContentInfo } from "../../../../api/core/content.js";
import { defineCommand } from "../../command.js";

interface PruneFlags {
  async?: boolean;
  dry?: boolean;
}

/** Of layers; the others are of older clients, which numbered children, the config first. */
const LAYER_LABEL = /^containerd\.io\/gc\.ref\.content\.(?:l\.|-?(?!0$)\d+$)/;
const LEASE_MS = 3_600_000;

export const command = defineCommand<PruneFlags>({
  completes: ["none"],
  examples: [
    { line: "berth content prune references --dry", does: "shows which layers could go, as they are unpacked" },
  ],
  help: `berth content prune references: unpacked images go on working, and need their layers again to be pushed, exported or unpacked
with another snapshotter.`,
  options: (command) => {
    command.addArgument(new Argument("<what>").choices(["references"]));
    command
      .option("--async", "do not wait until the layers are gone")
      .option("--dry", "only show which labels would go");
  },
  run: async ({ client, request, output }, _what, flags) => {
    const dry = flags.dry === true;
    const blobs: ContentInfo[] = [];
    for await (const page of client.content.list(request)) blobs.push(...page);
    for (const { digest, labels } of blobs) {
      const keys = Object.keys(labels).filter((key) => LAYER_LABEL.test(key));
      for (const key of dry ? keys : []) output.line(`${digest} ${key}`);
      if (dry || keys.length === 0) continue;
      const cleared = Object.fromEntries(keys.map((key) => [key, ""]));
      await client.content.update(
        request,
        { digest, labels: cleared },
        keys.map((key) => `labels.${key}`),
      );
    }
    if (dry) return;
    // The end of a lease is what sets the collector off.
    const lease = await client.leases.create(request, {
      labels: { "containerd.io/gc.expire": expiryLabel(new Date(Date.now() + LEASE_MS)) },
    });
    await client.leases.delete(request, lease.id, { sync: flags.async !== true });
  },
});
