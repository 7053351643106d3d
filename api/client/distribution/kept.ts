// What a pull that failed has brought, held for the next try. Its own lease goes with it, and the collector would take everything
// at once, half a gigabyte that came through a bad line included.
import type { RequestContext } from "../../core/context.js";
import { isNotFound } from "../../core/errors.js";
import type { LeaseStore } from "../../core/lease.js";
import { expiryLabel } from "../remote-lease-store.js";

/** On a lease: the reference that a pull did not get to the end of. */
const UNFINISHED_LABEL = "berth.io/pull.unfinished";
const KEPT_MS = 24 * 3_600_000;
const CLEANUP_MS = 10_000;

/** The caller may have lost patience; this happens all the same. */
const apart = ({ namespace }: RequestContext): RequestContext => ({
  namespace,
  signal: AbortSignal.timeout(CLEANUP_MS),
});

/** Hands what the lease of `ctx` holds to a lease for the next pull of this reference. Never fails: there is another failure to tell of. */
export async function keepForNext(leases: LeaseStore, ctx: RequestContext, reference: string): Promise<void> {
  const cleanup = apart(ctx);
  try {
    const resources = await leases.listResources(cleanup, ctx.leaseId ?? "");
    if (resources.length === 0) return;
    const expire = expiryLabel(new Date(Date.now() + KEPT_MS));
    const labels = { "containerd.io/gc.expire": expire, [UNFINISHED_LABEL]: reference };
    const { id } = await leases.create(cleanup, { labels });
    for (const resource of resources) await leases.addResource(cleanup, id, resource);
  } catch {
    // The daemon may be what failed. Then the lease of the pull is still there, and does the same until it ends.
  }
}

/** The image is there and holds everything itself. */
export async function dropKept(leases: LeaseStore, ctx: RequestContext, reference: string): Promise<void> {
  const withoutLease = { namespace: ctx.namespace, signal: ctx.signal };
  // References hold nothing that a filter's quotes would have to escape.
  for (const { id } of await leases.list(withoutLease, [`labels."${UNFINISHED_LABEL}"=="${reference}"`])) {
    await leases.delete(withoutLease, id).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }
}
