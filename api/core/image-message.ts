// Images between their record and containerd's message. Stores, services and clients all convert, so it lives here once.
import { Image as ImageMessage } from "../gen/services/images/v1/images.js";
import type { Descriptor as DescriptorMessage } from "../gen/types/descriptor.js";
import type { Descriptor } from "./descriptor.js";
import { invalidArgument } from "./errors.js";
import type { Image } from "./image.js";
import { fromTimestamp, toTimestamp } from "./time.js";

export type { ImageMessage };

/** @throws invalid_argument for a size that no file can have. */
export function fromDescriptorMessage(message: DescriptorMessage | undefined): Descriptor {
  const size = message?.size ?? 0n;
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw invalidArgument(`size ${size} of a descriptor is out of range`);
  return {
    mediaType: message?.mediaType ?? "",
    digest: message?.digest ?? "",
    sizeBytes: Number(size),
    annotations: Object.fromEntries(message?.annotations ?? []),
  };
}

export function toDescriptorMessage(descriptor: Descriptor): DescriptorMessage {
  return {
    mediaType: descriptor.mediaType,
    digest: descriptor.digest,
    size: BigInt(descriptor.sizeBytes),
    annotations: new Map(Object.entries(descriptor.annotations)),
  };
}

export function toImageMessage(image: Image): ImageMessage {
  return {
    name: image.name,
    labels: new Map(Object.entries(image.labels)),
    target: toDescriptorMessage(image.target),
    createdAt: toTimestamp(image.createdAtNs),
    updatedAt: toTimestamp(image.updatedAtNs),
  };
}

export function fromImageMessage(message: ImageMessage): Image {
  return {
    name: message.name,
    labels: Object.fromEntries(message.labels),
    target: fromDescriptorMessage(message.target),
    createdAtNs: fromTimestamp(message.createdAt) ?? 0n,
    updatedAtNs: fromTimestamp(message.updatedAt) ?? 0n,
  };
}

/** The encoded message of a record, as rows keep it. */
export function encodeImage(image: Image): Uint8Array {
  return ImageMessage.encode(toImageMessage(image)).finish();
}

/** The record in an encoded message. */
export function decodeImage(bytes: Uint8Array): Image {
  return fromImageMessage(ImageMessage.decode(bytes));
}
