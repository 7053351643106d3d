// What Create and Update take, from the wire. Times are the store's: what a client sends for them is dropped here.
import type { NewContainer } from "../../api/core/container.js";
import type { ContainerMessage } from "../../api/core/container-message.js";
import { toRecord } from "../maps.js";

/** A missing message is an empty one, as old clients send it; the store then misses the id. */
export function fromContainerMessage(message: ContainerMessage | undefined): NewContainer {
  if (message === undefined) return { id: "" };
  return {
    id: message.id,
    labels: toRecord(message.labels),
    image: message.image,
    ...(message.runtime && { runtime: { name: message.runtime.name, options: message.runtime.options } }),
    ...(message.spec && { spec: message.spec }),
    snapshotter: message.snapshotter,
    snapshotKey: message.snapshotKey,
    extensions: toRecord(message.extensions),
    sandbox: message.sandbox,
  };
}
