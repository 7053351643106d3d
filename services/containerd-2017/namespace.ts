// This API has no namespaces. A caller of today may name one by the header; for all others it is the one of the configuration.
import type { RequestContext } from "../../api/core/context.js";

export const inNamespace = (ctx: RequestContext, namespace: string): RequestContext =>
  ctx.namespace ? ctx : { namespace, leaseId: ctx.leaseId, signal: ctx.signal, peer: ctx.peer };
