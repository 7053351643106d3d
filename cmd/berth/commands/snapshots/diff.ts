// berth snapshots diff: what differs between two snapshots, or between one and its parent, as a layer on stdout.
// @source containerd cmd/ctr/commands/snapshots/snapshots.go (diffCommand), rootfs/diff.go
import { randomBytes } from "node:crypto";
import { withLease } from "../../../../api/client/remote-lease-store.js";
import type { RequestContext } from "../../../../api/core/context.js";
import type { SnapshotStore } from "../../../../api/core/snapshot.js";
import type { Mount } from "../../../../api/core/task.js";
import { defineCommand } from "../../command.js";
import { UsageError } from "../../exit-status.js";
import { collect, parseLabels } from "../../flags.js";
import { interruptible } from "../../interrupt.js";
import { rootLabel } from "../../snapshots.js";
import { type SnapshotterFlags, snapshotterOf } from "../../snapshotter-flag.js";

interface DiffFlags extends SnapshotterFlags {
  mediaType: string;
  ref?: string;
  keep?: boolean;
  label?: string[];
}

const CLEANUP_MS = 10_000;

export const command = defineCommand<DiffFlags>({
  arguments: "[snapshot] [other]",
  completes: ["snapshot", "snapshot"],
  examples: [
    { line: "berth snapshots diff web > layer.tar", does: "what the snapshot changed, as a layer" },
    { line: "berth snapshots diff base web > layer.tar", does: "what differs between two" },
  ],
  help: "With one snapshot: what it adds to its parent. With two: what turns the first into the second.",
  options: (command) => {
    command
      .option("--media-type <type>", "of the layer", "application/vnd.oci.image.layer.v1.tar+gzip")
      .option("--ref <ref>", "name of the ingest")
      .option("--keep", "keep the layer until it is deleted")
      .option("--label <key=value>", "label of the layer (repeatable)", collect);
  },
  run: async ({ client, request, output }, [key = "", other = ""], flags) => {
    if (key === "") throw new UsageError("please name a snapshot");
    const snapshots = client.snapshots.get(snapshotterOf(flags));
    const labels = { ...parseLabels(flags.label ?? []), ...(flags.keep === true && rootLabel()) };
    const { mediaType, ref } = flags;
    await interruptible(request, (interrupted) =>
      withLease(client.leases, interrupted, async (ctx) => {
        const [left, right] = other === "" ? [await parentOf(snapshots, ctx, key), key] : [key, other];
        const layer = await withMounts(snapshots, ctx, left, (lower) =>
          withMounts(snapshots, ctx, right, (upper) =>
            client.diff.diff(ctx, lower, upper, { mediaType, labels, ...(ref !== undefined && { ref }) }),
          ),
        );
        await output.bytes(client.content.read(ctx, layer.digest));
      }),
    );
  },
});

const parentOf = async (snapshots: SnapshotStore, ctx: RequestContext, key: string): Promise<string> =>
  (await snapshots.stat(ctx, key)).parent;

/** The mounts of a snapshot for as long as `work` takes; of a committed one, those of a view. "" is an empty tree. */
async function withMounts<T>(
  snapshots: SnapshotStore,
  ctx: RequestContext,
  key: string,
  work: (mounts: readonly Mount[]) => Promise<T>,
): Promise<T> {
  if (key === "") return await work([]);
  const { kind } = await snapshots.stat(ctx, key);
  if (kind !== "committed") return await work(await snapshots.mounts(ctx, key));
  const view = `${key}-view-${randomBytes(6).toString("hex")}`;
  const mounts = await snapshots.view(ctx, view, { parent: key });
  try {
    return await work(mounts);
  } finally {
    await snapshots.remove({ ...ctx, signal: AbortSignal.timeout(CLEANUP_MS) }, view);
  }
}
