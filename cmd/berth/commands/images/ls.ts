// berth images ls: the images of a namespace, with what their documents tell.
// @source containerd cmd/ctr/commands/images/images.go (list)
import { imagePlatforms, imageSize } from "../../../../api/client/distribution/image-info.js";
import { formatPlatform, hostPlatform, onlyPlatforms } from "../../../../api/client/distribution/platform.js";
import type { Image } from "../../../../api/core/image.js";
import { Limit } from "../../../../api/core/limit.js";
import { formatTime } from "../../../../api/core/time.js";
import { type CommandContext, defineCommand } from "../../command.js";
import { showWaiting } from "../../progress/waiting.js";
import { renderLabels } from "../../render/labels.js";
import { renderSize } from "../../render/size.js";
import { shortTime } from "../../render/time.js";

/** Images that are looked into at a time. */
const AT_ONCE = 8;

interface ListedImage extends Image {
  readonly sizeBytes: number;
  readonly platforms: readonly string[];
}

export const command = defineCommand({
  arguments: "[filters...]",
  lists: true,
  watches: true,
  completes: ["none"],
  examples: [
    { line: "berth images ls", does: "the images of the namespace" },
    { line: "berth images ls -q name~=busybox", does: "only the names that match" },
    { line: "berth images ls --fields name,size --format json", does: "names and sizes as JSON" },
  ],
  help: "Filters, of which one must match: name==…, name~=^docker, target.digest~=sha256:ab, labels.key==value, labels.key (it is there).",
  run: async (context, filters) => {
    const { client, request, output } = context;
    const images = await client.images.list(request, filters);
    if (output.quiet) {
      for (const { name } of images) output.line(name);
      return;
    }
    const limit = new Limit(AT_ONCE);
    const looks = images.map((image) => limit.run(() => lookInto(context, image)));
    const listed = await showWaiting("looking into images", Promise.all(looks));
    output.list(listed, {
      style: { gap: 1, lastColumn: "padded" },
      id: ({ name }) => name,
      columns: [
        { title: "REF", text: ({ name }) => name },
        { title: "TYPE", text: ({ target }) => target.mediaType },
        { title: "DIGEST", text: ({ target }) => target.digest },
        { title: "SIZE", text: ({ sizeBytes }) => renderSize(sizeBytes) },
        { title: "PLATFORMS", text: ({ platforms }) => platforms.join(",") || "-" },
        { title: "CREATED", wide: true, text: ({ createdAtNs }) => shortTime(createdAtNs) },
        { title: "LABELS", text: ({ labels }) => renderLabels(labels) || "-" },
      ],
      json: ({ name, target, sizeBytes, platforms, labels, createdAtNs, updatedAtNs }) => ({
        name,
        mediaType: target.mediaType,
        digest: target.digest,
        size: sizeBytes,
        platforms,
        labels,
        createdAt: formatTime(createdAtNs),
        updatedAt: formatTime(updatedAtNs),
      }),
    });
  },
});

/** Size and platforms; of an image that is not whole what can be told, with a warning. */
async function lookInto({ client, request, output }: CommandContext, image: Image): Promise<ListedImage> {
  const size = await imageSize(client.content, request, image.target, onlyPlatforms([hostPlatform()]));
  const platforms = await imagePlatforms(client.content, request, image.target);
  const warn = (what: string, problem: unknown): void => {
    if (problem === undefined) return;
    output.warn(`failed ${what} for image ${image.name}: ${problem instanceof Error ? problem.message : problem}`);
  };
  warn("calculating size", size.problem);
  warn("resolving platform", platforms.problem);
  const names = new Set(platforms.value.map(formatPlatform));
  return { ...image, sizeBytes: size.value, platforms: [...names].sort() };
}
