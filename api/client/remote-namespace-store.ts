// The namespace store of a daemon: the interface of api/core, every call an RPC.
// @source containerd client/namespaces.go
import type { RequestContext } from "../core/context.js";
import type { Namespace, NamespaceStore } from "../core/namespace.js";
import { type Namespace as NamespaceMessage, NamespacesService } from "../gen/services/namespaces/v1/namespace.js";
import type { Channel } from "./channel.js";

export class RemoteNamespaceStore implements NamespaceStore {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  async get(ctx: RequestContext, name: string): Promise<Namespace> {
    const { namespace } = await this.#channel.unary(NamespacesService.get, { name }, ctx);
    return fromMessage(namespace, name);
  }

  async list(ctx: RequestContext): Promise<Namespace[]> {
    const { namespaces } = await this.#channel.unary(NamespacesService.list, { filter: "" }, ctx);
    return namespaces.map((namespace) => fromMessage(namespace, namespace.name));
  }

  async create(ctx: RequestContext, namespace: Namespace): Promise<Namespace> {
    const request = { namespace: toMessage(namespace) };
    const reply = await this.#channel.unary(NamespacesService.create, request, withHeader(ctx, namespace.name));
    return fromMessage(reply.namespace, namespace.name);
  }

  async update(ctx: RequestContext, namespace: Namespace, paths: readonly string[] = []): Promise<void> {
    const request = { namespace: toMessage(namespace), updateMask: [...paths] };
    await this.#channel.unary(NamespacesService.update, request, withHeader(ctx, namespace.name));
  }

  async delete(ctx: RequestContext, name: string): Promise<void> {
    await this.#channel.unary(NamespacesService.delete, { name }, withHeader(ctx, name));
  }
}

// containerd 1.6 answers a change without the header with an error although it has been made, since its event found no namespace.
function withHeader(ctx: RequestContext, name: string): RequestContext {
  return /^[\x21-\x7e]+$/.test(name) ? { ...ctx, namespace: ctx.namespace ?? name } : ctx;
}

function toMessage(namespace: Namespace): NamespaceMessage {
  return { name: namespace.name, labels: new Map(Object.entries(namespace.labels)) };
}

function fromMessage(message: NamespaceMessage | undefined, name: string): Namespace {
  return { name, labels: Object.fromEntries(message?.labels ?? []) };
}
