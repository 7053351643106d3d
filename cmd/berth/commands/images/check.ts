// berth images check: whether all of an image is here, and unpacked.
// @source containerd cmd/ctr/commands/images/images.go (check)
import { checkImage } from "../../../../api/client/distribution/image-info.js";
import { resolveManifest } from "../../../../api/client/distribution/manifest.js";
import { hostPlatform, onlyPlatforms } from "../../../../api/client/distribution/platform.js";
import { isUnpacked } from "../../../../api/client/distribution/unpack.js";
import type { Descriptor } from "../../../../api/core/descriptor.js";
import type { Image } from "../../../../api/core/image.js";
import { Limit } from "../../../../api/core/limit.js";
import { type CommandContext, defineCommand } from "../../command.js";
import { exitStatus, Reported } from "../../exit-status.js";
import { showWaiting } from "../../progress/waiting.js";
import { renderSize } from "../../render/size.js";
import { addSnapshotterOption, type SnapshotterFlags, snapshotterOf } from "../../snapshotter-flag.js";

/** Images that are looked into at a time. */
const AT_ONCE = 8;

interface CheckedImage {
  readonly image: Image;
  readonly status: "complete" | "incomplete" | "unavailable";
  readonly counts: string;
  readonly size: string;
  readonly isUnpacked: boolean;
  readonly problem?: unknown;
}

export const command = defineCommand<SnapshotterFlags & { quiet?: boolean }>({
  arguments: "[filters...]",
  lists: true,
  completes: ["none"],
  examples: [
    { line: "berth images check", does: "which images are whole and unpacked" },
    { line: "berth images check -q name==example.com/app:1", does: "prints the name if it can run at once" },
  ],
  options: (command) => {
    command.option("-q, --quiet", "only the names of those that are whole and unpacked");
    addSnapshotterOption(command);
  },
  run: async (context, filters, flags) => {
    const { client, request, output } = context;
    const images = await client.images.list(request, filters);
    const limit = new Limit(AT_ONCE);
    const snapshotter = snapshotterOf(flags);
    const checks = images.map((image) => limit.run(() => check(context, image, snapshotter)));
    const checked = await showWaiting("checking images", Promise.all(checks));
    if (flags.quiet === true) {
      const ready = checked.filter((one) => one.status === "complete" && one.isUnpacked);
      for (const { image } of ready) output.line(image.name);
    } else if (checked.length > 0 || !output.isTable) {
      output.list(checked, {
        style: { gap: 1 },
        id: ({ image }) => image.name,
        columns: [
          { title: "REF", text: ({ image }) => image.name },
          { title: "TYPE", text: ({ image }) => image.target.mediaType },
          { title: "DIGEST", text: ({ image }) => image.target.digest },
          {
            title: "STATUS",
            text: ({ status, counts }) => `${status} (${counts})`,
            colour: ({ status }) => (status === "complete" ? "green" : "yellow"),
          },
          { title: "SIZE", text: ({ size }) => size },
          { title: "UNPACKED", text: ({ isUnpacked }) => String(isUnpacked) },
        ],
        json: ({ image, status, counts, size, isUnpacked }) => ({
          name: image.name,
          digest: image.target.digest,
          status,
          blobs: counts,
          size,
          unpacked: isUnpacked,
        }),
      });
    }
    const failed = checked.filter(({ problem }) => problem !== undefined);
    for (const { image, problem } of failed) {
      const reason = problem instanceof Error ? problem.message : String(problem);
      output.warn(`unable to check unpack for ${image.name}: ${reason}`);
    }
    const first = failed[0]?.problem;
    if (first !== undefined) throw new Reported(exitStatus(first));
  },
});

const sumOf = (blobs: readonly Descriptor[]): string =>
  renderSize(blobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));

async function check({ client, request }: CommandContext, image: Image, snapshotter: string): Promise<CheckedImage> {
  const platform = onlyPlatforms([hostPlatform()]);
  const { isAvailable, required, present } = await checkImage(client.content, request, image.target, platform);
  const isComplete = isAvailable && present.length === required.length;
  const known = {
    image,
    status: isComplete ? ("complete" as const) : isAvailable ? ("incomplete" as const) : ("unavailable" as const),
    counts: isAvailable ? `${present.length}/${required.length}` : "0/?",
    size: isAvailable ? `${sumOf(present)}/${sumOf(required)}` : "0.0 B/?",
  };
  try {
    const { config } = await resolveManifest(client.content, request, image.target, platform);
    return { ...known, isUnpacked: await isUnpacked(client, request, config, snapshotter) };
  } catch (problem) {
    return { ...known, isUnpacked: false, problem };
  }
}
