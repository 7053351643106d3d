// The lease store of a daemon: the interface of api/core, every call an RPC; and leases around a piece of work.
// @source containerd client/leases, client/lease.go
import { randomBytes } from "node:crypto";
import type { RequestContext } from "../core/context.js";
import { ContainerdError, isNotFound } from "../core/errors.js";
import type { Labels } from "../core/labels.js";
import type { Lease, LeaseResource, LeaseStore } from "../core/lease.js";
import { fromTimestamp } from "../core/time.js";
import { type Lease as LeaseMessage, LeasesService } from "../gen/services/leases/v1/leases.js";
import type { Channel } from "./channel.js";

export class RemoteLeaseStore implements LeaseStore {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  async create(ctx: RequestContext, lease: { readonly id?: string; readonly labels?: Labels }): Promise<Lease> {
    const request = { id: lease.id ?? "", labels: new Map(Object.entries(lease.labels ?? {})) };
    const reply = await this.#channel.unary(LeasesService.create, request, ctx);
    if (reply.lease === undefined) throw new ContainerdError("internal", "the reply holds no lease: internal");
    return fromMessage(reply.lease);
  }

  async delete(ctx: RequestContext, id: string, options: { readonly sync?: boolean } = {}): Promise<void> {
    await this.#channel.unary(LeasesService.delete, { id, sync: options.sync ?? false }, ctx);
  }

  async list(ctx: RequestContext, filters: readonly string[] = []): Promise<Lease[]> {
    const { leases } = await this.#channel.unary(LeasesService.list, { filters: [...filters] }, ctx);
    return leases.map(fromMessage);
  }

  async addResource(ctx: RequestContext, id: string, resource: LeaseResource): Promise<void> {
    await this.#channel.unary(LeasesService.addResource, { id, resource: toResource(resource) }, ctx);
  }

  async deleteResource(ctx: RequestContext, id: string, resource: LeaseResource): Promise<void> {
    await this.#channel.unary(LeasesService.deleteResource, { id, resource: toResource(resource) }, ctx);
  }

  async listResources(ctx: RequestContext, id: string): Promise<LeaseResource[]> {
    const { resources } = await this.#channel.unary(LeasesService.listResources, { id }, ctx);
    return resources.map(toResource);
  }
}

const LEASE_HOURS = 24;

/**
 * Runs `work` under a lease of its own: made first, named in the context that `work` gets, deleted afterwards whatever happened.
 * Should this process die, the lease ends by itself after 24 hours. A context that names a lease already is used as it is.
 */
export async function withLease<T>(
  leases: LeaseStore,
  ctx: RequestContext,
  work: (ctx: RequestContext) => Promise<T>,
): Promise<T> {
  if (ctx.leaseId !== undefined) return await work(ctx);
  const lease = await leases.create(ctx, {
    id: `${process.hrtime.bigint() % 1_000_000_000n}-${randomBytes(3).toString("base64url")}`,
    labels: { "containerd.io/gc.expire": expiryLabel(new Date(Date.now() + LEASE_HOURS * 3_600_000)) },
  });
  // The work may have ended because the caller's signal fired; the lease goes all the same.
  const end = () => leases.delete({ namespace: ctx.namespace, signal: AbortSignal.timeout(10_000) }, lease.id);
  let result: T;
  try {
    result = await work({ ...ctx, leaseId: lease.id });
  } catch (error) {
    // Why the work failed is what the caller must hear; the lease ends by itself.
    await end().catch(() => {});
    throw error;
  }
  await end().catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
  return result;
}

/** The value of the label that lets the collector end a lease: RFC 3339 to the second. */
export function expiryLabel(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

function fromMessage(message: LeaseMessage): Lease {
  return {
    id: message.id,
    createdAtNs: fromTimestamp(message.createdAt) ?? 0n,
    labels: Object.fromEntries(message.labels),
  };
}

function toResource({ id, type }: LeaseResource): LeaseResource {
  return { id, type };
}
