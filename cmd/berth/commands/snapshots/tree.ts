// berth snapshots tree: what builds on what.
// @source containerd cmd/ctr/commands/snapshots/snapshots.go (treeCommand)
import type { SnapshotInfo } from "../../../../api/core/snapshot.js";
import { defineCommand } from "../../command.js";
import { listSnapshots } from "../../snapshots.js";
import { type SnapshotterFlags, snapshotterOf } from "../../snapshotter-flag.js";

export const command = defineCommand<SnapshotterFlags>({
  examples: [{ line: "berth snapshots tree", does: "what builds on what" }],
  run: async ({ client, request, output }, _args, flags) => {
    const all = await listSnapshots(client.snapshots.get(snapshotterOf(flags)), request);
    const children = new Map<string, SnapshotInfo[]>();
    for (const info of all) children.set(info.parent, [...(children.get(info.parent) ?? []), info]);
    // A stack, since a chain may be longer than calls can be deep.
    const open = (children.get("") ?? []).map((info) => ({ info, depth: 0 })).reverse();
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { info, depth } = next;
      output.line(depth === 0 ? ` ${info.name}` : `${"  ".repeat(depth)}\\_ ${info.name}`);
      const below = (children.get(info.name) ?? []).map((child) => ({ info: child, depth: depth + 1 }));
      open.push(...below.reverse());
    }
  },
});
