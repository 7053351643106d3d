// The container store of a daemon: the interface of api/core, every call an RPC.
// @source containerd client/containerstore.go
import type { Container, ContainerStore, ContainerUpdate, NewContainer } from "../core/container.js";
import { type ContainerMessage, fromContainerMessage } from "../core/container-message.js";
import type { RequestContext } from "../core/context.js";
import { ContainerdError, isNotImplemented } from "../core/errors.js";
import { Container as ContainerCodec, ContainersService } from "../gen/services/containers/v1/containers.js";
import type { Channel } from "./channel.js";

export class RemoteContainerStore implements ContainerStore {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  async get(ctx: RequestContext, id: string): Promise<Container> {
    return required((await this.#channel.unary(ContainersService.get, { id }, ctx)).container);
  }

  async list(ctx: RequestContext, filters: readonly string[] = []): Promise<Container[]> {
    const containers: Container[] = [];
    for await (const container of this.stream(ctx, filters)) containers.push(container);
    return containers;
  }

  async *stream(ctx: RequestContext, filters: readonly string[] = []): AsyncIterable<Container> {
    const request = { filters: [...filters] };
    let seen = false;
    try {
      for await (const { container } of this.#channel.stream(ContainersService.listStream, request, ctx)) {
        seen = true;
        yield required(container);
      }
      return;
    } catch (error) {
      // Daemons without the stream say so before the first record; the list in one message is all they have.
      if (seen || !isNotImplemented(error)) throw error;
    }
    const { containers } = await this.#channel.unary(ContainersService.list, request, ctx);
    for (const container of containers) yield required(container);
  }

  async create(ctx: RequestContext, container: NewContainer): Promise<Container> {
    const request = { container: toMessage(container) };
    return required((await this.#channel.unary(ContainersService.create, request, ctx)).container);
  }

  async update(ctx: RequestContext, container: ContainerUpdate, paths: readonly string[] = []): Promise<Container> {
    const request = { container: toMessage(container), updateMask: [...paths] };
    return required((await this.#channel.unary(ContainersService.update, request, ctx)).container);
  }

  async delete(ctx: RequestContext, id: string): Promise<void> {
    await this.#channel.unary(ContainersService.delete, { id }, ctx);
  }
}

/** What the caller left out stays absent: the daemon says what it misses. */
function toMessage(container: NewContainer): ContainerMessage {
  const { runtime } = container;
  return {
    ...ContainerCodec.fromPartial({ id: container.id }),
    labels: new Map(Object.entries(container.labels ?? {})),
    image: container.image ?? "",
    runtime: runtime === undefined ? undefined : { name: runtime.name, options: runtime.options },
    spec: container.spec,
    snapshotter: container.snapshotter ?? "",
    snapshotKey: container.snapshotKey ?? "",
    extensions: new Map(Object.entries(container.extensions ?? {})),
    sandbox: container.sandbox ?? "",
  };
}

function required(container: ContainerMessage | undefined): Container {
  if (container === undefined) throw new ContainerdError("internal", "the reply holds no container: internal");
  return fromContainerMessage(container);
}
