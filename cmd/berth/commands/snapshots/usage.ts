// berth snapshots usage: what snapshots take on disk, without what is below them.
// @source containerd cmd/ctr/commands/snapshots/snapshots.go (usageCommand)
import { defineCommand } from "../../command.js";
import { renderSize } from "../../render/size.js";
import { listSnapshots } from "../../snapshots.js";
import { type SnapshotterFlags, snapshotterOf } from "../../snapshotter-flag.js";

interface UsageFlags extends SnapshotterFlags {
  b?: boolean;
}

export const command = defineCommand<UsageFlags>({
  arguments: "[keys...]",
  lists: true,
  completes: ["snapshot"],
  examples: [
    { line: "berth snapshots usage", does: "what each snapshot takes on disk" },
    { line: "berth snapshots usage -b web", does: "in bytes, of one" },
  ],
  options: (command) => {
    command.option("-b", "sizes in bytes");
  },
  run: async ({ client, request, output }, args, flags) => {
    const snapshots = client.snapshots.get(snapshotterOf(flags));
    const keys = args.length > 0 ? args : (await listSnapshots(snapshots, request)).map(({ name }) => name);
    const usages: { key: string; sizeBytes: number; inodes: number }[] = [];
    for (const key of keys) usages.push({ key, ...(await snapshots.usage(request, key)) });
    output.list(usages, {
      style: { gap: 1, lastColumn: "padded" },
      id: ({ key }) => key,
      columns: [
        { title: "KEY", text: ({ key }) => key },
        { title: "SIZE", text: ({ sizeBytes }) => (flags.b === true ? String(sizeBytes) : renderSize(sizeBytes)) },
        { title: "INODES", text: ({ inodes }) => String(inodes) },
      ],
      json: ({ key, sizeBytes, inodes }) => ({ key, size: sizeBytes, inodes }),
    });
  },
});
