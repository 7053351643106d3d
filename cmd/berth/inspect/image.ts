// Everything about an image: its record, size, platforms, the config for this machine, and the containers made from it.
import { imagePlatforms, imageSize } from "../../../api/client/distribution/image-info.js";
import { readDocument, resolveManifest } from "../../../api/client/distribution/manifest.js";
import { formatPlatform, hostPlatform, onlyPlatforms } from "../../../api/client/distribution/platform.js";
import type { Image } from "../../../api/core/image.js";
import { normalizeReference } from "../../../api/core/reference.js";
import type { CommandContext } from "../command.js";
import { type Inspector, ifThere, time } from "./inspector.js";

export const inspectImage: Inspector = async (context, name) => {
  const image = await findImage(context, name);
  if (image === undefined) return undefined;
  const { client, request } = context;
  const platform = onlyPlatforms([hostPlatform()]);
  const [size, platforms, config, containers] = await Promise.all([
    imageSize(client.content, request, image.target, platform),
    imagePlatforms(client.content, request, image.target),
    configOf(context, image),
    client.containers.list(request),
  ]);
  return {
    kind: "image",
    ...describeImage(image),
    size: size.value,
    platforms: platforms.value.map(formatPlatform),
    config: config ?? null,
    containers: containers.filter((one) => one.image === image.name).map(({ id }) => id),
  };
};

export function describeImage({ name, labels, target, createdAtNs, updatedAtNs }: Image): object {
  const { mediaType, digest, sizeBytes, annotations } = target;
  return {
    name,
    labels: new Map(Object.entries(labels)),
    target: { mediaType, digest, size: sizeBytes, annotations: new Map(Object.entries(annotations ?? {})) },
    createdAt: time(createdAtNs),
    updatedAt: time(updatedAtNs),
  };
}

/** By the name it has, and by the short one that Docker's users write. */
async function findImage({ client, request }: CommandContext, name: string): Promise<Image | undefined> {
  const found = await ifThere(client.images.get(request, name));
  if (found !== undefined) return found;
  const full = await ifThere((async () => normalizeReference(name).text)());
  return full === undefined || full === name ? undefined : await ifThere(client.images.get(request, full));
}

/** As it stands in the store; undefined when it or what leads to it is not here. */
async function configOf({ client, request }: CommandContext, image: Image): Promise<unknown> {
  const { content } = client;
  const resolved = await ifThere(resolveManifest(content, request, image.target, onlyPlatforms([hostPlatform()])));
  if (resolved === undefined) return undefined;
  return JSON.parse((await readDocument(content, request, resolved.manifest.config.digest)).toString());
}
