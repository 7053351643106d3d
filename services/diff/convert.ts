// Diffs between wire and record.
import type { Descriptor } from "../../api/core/descriptor.js";
import { invalidArgument } from "../../api/core/errors.js";
import type { Mount } from "../../api/core/task.js";
import { Descriptor as DescriptorMessage } from "../../api/gen/types/descriptor.js";
import type { Mount as MountMessage } from "../../api/gen/types/mount.js";
import { toMap, toRecord } from "../maps.js";

export const toDescriptorMessage = (descriptor: Descriptor): DescriptorMessage =>
  DescriptorMessage.fromPartial({
    mediaType: descriptor.mediaType,
    digest: descriptor.digest,
    size: BigInt(descriptor.sizeBytes),
    annotations: toMap(descriptor.annotations),
  });

/** @throws invalid_argument for a missing one, or one of a size that cannot be. */
export function fromDescriptorMessage(message: DescriptorMessage | undefined): Descriptor {
  if (message === undefined) throw invalidArgument("diff must be set");
  const { mediaType, digest, size, annotations } = message;
  if (size < 0n || size > BigInt(Number.MAX_SAFE_INTEGER)) throw invalidArgument(`size ${size} of ${digest}`);
  return { mediaType, digest, sizeBytes: Number(size), annotations: toRecord(annotations) };
}

export const fromMountMessage = ({ type, source, target, options }: MountMessage): Mount => ({
  type,
  source,
  target,
  options,
});
