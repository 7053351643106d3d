// berth snapshots rm: removes snapshots that nothing builds on.
import { wrapError } from "../../../../api/core/errors.js";
import { quote } from "../../../../api/core/quote.js";
import { defineCommand } from "../../command.js";
import { forEach } from "../../for-each.js";
import { type SnapshotterFlags, snapshotterOf } from "../../snapshotter-flag.js";

export const command = defineCommand<SnapshotterFlags>({
  arguments: "[keys...]",
  completes: ["snapshot"],
  examples: [{ line: "berth snapshots rm work", does: "removes a snapshot that nothing builds on" }],
  run: async (context, keys, flags) => {
    const snapshots = context.client.snapshots.get(snapshotterOf(flags));
    await forEach(context, keys, async (key) => {
      try {
        await snapshots.remove(context.request, key);
      } catch (error) {
        throw wrapError(`failed to remove ${quote(key)}`, error);
      }
    });
  },
});
