// The image store of a daemon: the interface of api/core, every call an RPC.
// @source containerd client/image_store.go
import type { RequestContext } from "../core/context.js";
import type { Descriptor } from "../core/descriptor.js";
import { ContainerdError } from "../core/errors.js";
import type { Image, ImageStore, NewImage } from "../core/image.js";
import { fromImageMessage, type ImageMessage, toDescriptorMessage } from "../core/image-message.js";
import { toTimestamp } from "../core/time.js";
import { ImagesService } from "../gen/services/images/v1/images.js";
import type { Channel } from "./channel.js";

export class RemoteImageStore implements ImageStore {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  async get(ctx: RequestContext, name: string): Promise<Image> {
    return required((await this.#channel.unary(ImagesService.get, { name }, ctx)).image);
  }

  async list(ctx: RequestContext, filters: readonly string[] = []): Promise<Image[]> {
    const { images } = await this.#channel.unary(ImagesService.list, { filters: [...filters] }, ctx);
    return images.map(fromImageMessage);
  }

  async create(ctx: RequestContext, image: NewImage, options: { readonly createdAtNs?: bigint } = {}): Promise<Image> {
    const request = { image: toMessage(image), sourceDateEpoch: epoch(options.createdAtNs) };
    return required((await this.#channel.unary(ImagesService.create, request, ctx)).image);
  }

  async update(
    ctx: RequestContext,
    image: NewImage,
    paths: readonly string[] = [],
    options: { readonly updatedAtNs?: bigint } = {},
  ): Promise<Image> {
    const request = {
      image: toMessage(image),
      updateMask: [...paths],
      sourceDateEpoch: epoch(options.updatedAtNs),
    };
    return required((await this.#channel.unary(ImagesService.update, request, ctx)).image);
  }

  async delete(
    ctx: RequestContext,
    name: string,
    options: { readonly sync?: boolean; readonly target?: Descriptor } = {},
  ): Promise<void> {
    const target = options.target === undefined ? undefined : toDescriptorMessage(options.target);
    await this.#channel.unary(ImagesService.delete, { name, sync: options.sync ?? false, target }, ctx);
  }
}

const epoch = (timeNs: bigint | undefined) => (timeNs === undefined ? undefined : toTimestamp(timeNs));

function toMessage({ name, labels = {}, target }: NewImage): ImageMessage {
  return {
    name,
    labels: new Map(Object.entries(labels)),
    target: toDescriptorMessage(target),
    createdAt: undefined,
    updatedAt: undefined,
  };
}

function required(image: ImageMessage | undefined): Image {
  if (image === undefined) throw new ContainerdError("internal", "the reply holds no image: internal");
  return fromImageMessage(image);
}
