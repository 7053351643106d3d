// The differ of a daemon: the interface of api/core, every call an RPC.
// @source containerd core/diff/proxy
import type { RequestContext } from "../core/context.js";
import type { Descriptor } from "../core/descriptor.js";
import type { ApplyOptions, Differ, DiffOptions } from "../core/diff.js";
import { ContainerdError } from "../core/errors.js";
import type { Mount } from "../core/task.js";
import { toTimestamp } from "../core/time.js";
import { DiffService } from "../gen/services/diff/v1/diff.js";
import type { Descriptor as DescriptorMessage } from "../gen/types/descriptor.js";
import type { Channel } from "./channel.js";

export class RemoteDiffer implements Differ {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  async apply(
    ctx: RequestContext,
    layer: Descriptor,
    mounts: readonly Mount[],
    options: ApplyOptions = {},
  ): Promise<Descriptor> {
    const diff = {
      mediaType: layer.mediaType,
      digest: layer.digest,
      size: BigInt(layer.sizeBytes),
      annotations: new Map(Object.entries(layer.annotations)),
    };
    const request = { diff, mounts: mounts.map(toMessage), payloads: new Map(), syncFs: options.syncFs ?? false };
    return fromMessage((await this.#channel.unary(DiffService.apply, request, ctx)).applied);
  }

  async diff(
    ctx: RequestContext,
    left: readonly Mount[],
    right: readonly Mount[],
    options: DiffOptions = {},
  ): Promise<Descriptor> {
    const { mediaType = "", ref = "", labels = {}, sourceDateEpochNs } = options;
    const request = {
      left: left.map(toMessage),
      right: right.map(toMessage),
      mediaType,
      ref,
      labels: new Map(Object.entries(labels)),
      ...(sourceDateEpochNs !== undefined && { sourceDateEpoch: toTimestamp(sourceDateEpochNs) }),
    };
    return fromMessage((await this.#channel.unary(DiffService.diff, request, ctx)).diff);
  }
}

const toMessage = ({ type, source, target = "", options }: Mount) => ({ type, source, target, options: [...options] });

function fromMessage(message: DescriptorMessage | undefined): Descriptor {
  if (message === undefined) throw new ContainerdError("internal", "the reply holds no descriptor: internal");
  const { mediaType, digest, size, annotations } = message;
  return { mediaType, digest, sizeBytes: Number(size), annotations: Object.fromEntries(annotations) };
}
