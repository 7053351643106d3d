// What Create and Update take, from the wire. Times are the store's, unless a request brings one on purpose.
import type { NewImage } from "../../api/core/image.js";
import { fromDescriptorMessage, type ImageMessage } from "../../api/core/image-message.js";
import { toRecord } from "../maps.js";

/** A missing message is an empty one; the store then misses the name. @throws invalid_argument for a size out of range. */
export function fromImageMessage(message: ImageMessage | undefined): NewImage {
  return {
    name: message?.name ?? "",
    labels: message === undefined ? {} : toRecord(message.labels),
    target: fromDescriptorMessage(message?.target),
  };
}
