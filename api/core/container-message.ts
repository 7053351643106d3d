// Containers between their record and containerd's message. Stores, services and clients all convert, so it lives here once.
import { Container as ContainerMessage } from "../gen/services/containers/v1/containers.js";
import type { Container } from "./container.js";
import { fromTimestamp, toTimestamp } from "./time.js";
import type { Any } from "./typeurl.js";

export type { ContainerMessage };

const EMPTY_ANY: Any = { typeUrl: "", value: Buffer.alloc(0) };

/** The payload alone: the type url and the bytes as they came. */
function bareAny(any: Any): Any {
  return { typeUrl: any.typeUrl, value: any.value };
}

/** The wire form of a record, times included. */
export function toContainerMessage(container: Container): ContainerMessage {
  return {
    id: container.id,
    labels: new Map(Object.entries(container.labels)),
    image: container.image,
    runtime: { name: container.runtime.name, options: container.runtime.options },
    spec: container.spec,
    snapshotter: container.snapshotter,
    snapshotKey: container.snapshotKey,
    createdAt: toTimestamp(container.createdAtNs),
    updatedAt: toTimestamp(container.updatedAtNs),
    extensions: new Map(Object.entries(container.extensions)),
    sandbox: container.sandbox,
  };
}

/** The record in a message. Fields this version does not know are dropped; an absent spec reads as an empty Any. */
export function fromContainerMessage(message: ContainerMessage): Container {
  const options = message.runtime?.options;
  return {
    id: message.id,
    labels: Object.fromEntries(message.labels),
    image: message.image,
    runtime: {
      name: message.runtime?.name ?? "",
      ...(options === undefined ? {} : { options: bareAny(options) }),
    },
    spec: message.spec === undefined ? EMPTY_ANY : bareAny(message.spec),
    snapshotter: message.snapshotter,
    snapshotKey: message.snapshotKey,
    createdAtNs: fromTimestamp(message.createdAt) ?? 0n,
    updatedAtNs: fromTimestamp(message.updatedAt) ?? 0n,
    extensions: Object.fromEntries(Array.from(message.extensions, ([key, any]) => [key, bareAny(any)])),
    sandbox: message.sandbox,
  };
}

/** The encoded message of a record, as rows keep it and replies carry it. */
export function encodeContainer(container: Container): Uint8Array {
  return ContainerMessage.encode(toContainerMessage(container)).finish();
}

/** The record in an encoded message. */
export function decodeContainer(bytes: Uint8Array): Container {
  return fromContainerMessage(ContainerMessage.decode(bytes));
}
