// berth images mount: an image's root file system on a folder, to look at or, with --rw, to change.
// @source containerd cmd/ctr/commands/images/mount.go
import { resolve } from "node:path";
import { resolveManifest } from "../../../../api/client/distribution/manifest.js";
import {
  formatPlatform,
  hostPlatform,
  onlyPlatforms,
  parsePlatform,
} from "../../../../api/client/distribution/platform.js";
import { chainIds, unpack } from "../../../../api/client/distribution/unpack.js";
import { withLease } from "../../../../api/client/remote-lease-store.js";
import { cleanupOf } from "../../../../api/client/run/remove.js";
import { isAlreadyExists, isNotFound } from "../../../../api/core/errors.js";
import { mount } from "../../../../runtime/sys/mount.js";
import { defineCommand } from "../../command.js";
import { UsageError } from "../../exit-status.js";
import { collect, parseLabels } from "../../flags.js";
import { interruptible } from "../../interrupt.js";
import { addUnusedRegistryOptions } from "../../registry-flags.js";
import { addSnapshotterOption, type SnapshotterFlags, snapshotterOf } from "../../snapshotter-flag.js";

interface MountFlags extends SnapshotterFlags {
  rw?: boolean;
  platform: string;
  label?: string[];
}

export const command = defineCommand<MountFlags>({
  arguments: "[ref] [target]",
  completes: ["image", "file"],
  examples: [
    { line: "berth images mount docker.io/library/busybox:latest /mnt", does: "to look at, read-only" },
    { line: "berth images mount --rw docker.io/library/busybox:latest /mnt", does: "to be changed" },
  ],
  help: `The snapshot has the name of the target; unmount --rm takes both away.`,
  options: (command) => {
    addSnapshotterOption(command);
    addUnusedRegistryOptions(command);
    command
      .option("--rw", "let it be written to")
      .option("--platform <os/arch>", "which platform of an index", formatPlatform(hostPlatform()))
      .option("--label <key=value>", "label of the snapshot (repeatable)", collect);
  },
  run: async ({ client, request, output }, [ref = "", target = ""], flags) => {
    if (ref === "") throw new UsageError("please provide an image reference to mount");
    if (target === "") throw new UsageError("please provide a target path to mount to");
    await interruptible(request, (own) =>
      withLease(client.leases, own, async (ctx) => {
        const image = await client.images.get(ctx, ref);
        const platform = onlyPlatforms([parsePlatform(flags.platform)]);
        const { manifest, config } = await resolveManifest(client.content, ctx, image.target, platform);
        const snapshotter = snapshotterOf(flags);
        const snapshots = client.snapshots.get(snapshotter);
        const parent = chainIds(config.rootfs.diff_ids).at(-1) ?? "";
        // Nothing else holds the snapshot once the lease has ended: the label makes it a root for the collector.
        const root = { "containerd.io/gc.root": new Date().toISOString() };
        const wanted = { parent, labels: { ...root, ...parseLabels(flags.label ?? []) } };
        const make = () =>
          flags.rw === true ? snapshots.prepare(ctx, target, wanted) : snapshots.view(ctx, target, wanted);
        let isOurs = true;
        const mounts = await make()
          .catch(async (error: unknown) => {
            if (!isNotFound(error)) throw error;
            await unpack(client, ctx, manifest, { snapshotter });
            return await make();
          })
          .catch(async (error: unknown) => {
            if (!isAlreadyExists(error)) throw error;
            isOurs = false;
            return await snapshots.mounts(ctx, target);
          });
        try {
          for (const one of mounts) mount({ ...one, target: resolve(target) });
        } catch (error) {
          if (isOurs) await snapshots.remove(cleanupOf(own), target).catch(() => undefined);
          throw error;
        }
        output.line(parent);
        output.line(target);
      }),
    );
  },
});
