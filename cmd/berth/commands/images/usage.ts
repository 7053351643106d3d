// berth images usage: what the layers of an image take on disk, unpacked.
// @source containerd cmd/ctr/commands/images/usage.go (v2.x)
import { resolveManifest } from "../../../../api/client/distribution/manifest.js";
import { chainIds } from "../../../../api/client/distribution/unpack.js";
import { defineCommand } from "../../command.js";
import { UsageError } from "../../exit-status.js";
import { addPlatformOptions, type PlatformFlags, runnablePlatforms } from "../../platform-flags.js";
import { renderSize } from "../../render/size.js";
import { addSnapshotterOption, type SnapshotterFlags, snapshotterOf } from "../../snapshotter-flag.js";

export const command = defineCommand<SnapshotterFlags & PlatformFlags>({
  arguments: "[ref]",
  lists: true,
  completes: ["image"],
  examples: [{ line: "berth images usage docker.io/library/busybox:latest", does: "what each of its layers takes" }],
  help: "Layers that other images have too count in each of them.",
  options: (command) => {
    addSnapshotterOption(command);
    addPlatformOptions(command, "show what it takes");
  },
  run: async ({ client, request, output }, [name = ""], flags) => {
    if (name === "") throw new UsageError("please provide an image reference");
    const { target } = await client.images.get(request, name);
    const { config } = await resolveManifest(client.content, request, target, runnablePlatforms(flags));
    const snapshots = client.snapshots.get(snapshotterOf(flags));
    const chain = chainIds(config.rootfs.diff_ids).reverse();
    const usages = await Promise.all(chain.map(async (key) => ({ key, ...(await snapshots.usage(request, key)) })));
    output.list(usages, {
      style: { gap: 1, lastColumn: "padded" },
      id: ({ key }) => key,
      columns: [
        { title: "KEY", text: ({ key }) => key },
        { title: "SIZE", text: ({ sizeBytes }) => renderSize(sizeBytes) },
        { title: "INODES", text: ({ inodes }) => String(inodes) },
      ],
      json: ({ key, sizeBytes, inodes }) => ({ key, size: sizeBytes, inodes }),
    });
  },
});
