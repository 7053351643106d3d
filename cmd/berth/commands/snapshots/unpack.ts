// berth snapshots unpack: the layers of an image as a chain of snapshots.
// @source containerd cmd/ctr/commands/snapshots/snapshots.go (unpackCommand)
import { resolveManifest } from "../../../../api/client/distribution/manifest.js";
import { hostPlatform, onlyPlatforms } from "../../../../api/client/distribution/platform.js";
import { unpack } from "../../../../api/client/distribution/unpack.js";
import { withLease } from "../../../../api/client/remote-lease-store.js";
import { notFound } from "../../../../api/core/errors.js";
import { defineCommand } from "../../command.js";
import { digestArgument } from "../../digest-argument.js";
import { interruptible } from "../../interrupt.js";
import { addSnapshotterOption, type SnapshotterFlags, snapshotterOf } from "../../snapshotter-flag.js";

export const command = defineCommand<SnapshotterFlags>({
  arguments: "[digest]",
  completes: ["content"],
  examples: [{ line: "berth snapshots unpack sha256:…", does: "makes snapshots of the layers of an image" }],
  help: "The digest is that of an image's target, as berth images ls shows it.",
  options: addSnapshotterOption,
  run: async ({ client, request, output }, [text], flags) => {
    const digest = digestArgument(text);
    const image = (await client.images.list(request)).find(({ target }) => target.digest === digest);
    if (image === undefined) throw notFound("manifest");
    output.text(`unpacking ${digest} (${image.target.mediaType})...`);
    await interruptible(request, async (interrupted) => {
      await withLease(client.leases, interrupted, async (ctx) => {
        const platform = onlyPlatforms([hostPlatform()]);
        const { manifest } = await resolveManifest(client.content, ctx, image.target, platform);
        await unpack(client, ctx, manifest, { snapshotter: snapshotterOf(flags) });
      });
    }).catch((error: unknown) => {
      output.line("");
      throw error;
    });
    output.line("done");
  },
});
