// What travels beside a request: the namespace, the lease, the caller's patience.
// @source containerd pkg/namespaces, core/leases/context.go
import { errorKind, failedPrecondition, wrapError } from "./errors.js";
import { validateIdentifier } from "./identifiers.js";

/** Who connected, as the kernel told (SO_PEERCRED). */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** The circumstances of one call. Everything is optional: what a call needs, it asks for by the functions below. */
export interface RequestContext {
  /** As the caller sent it, unchecked; use `requireNamespace`. */
  readonly namespace?: string | undefined;
  /** The lease header, present also when empty. */
  readonly leaseId?: string | undefined;
  /** Aborted when the caller goes away or its deadline passes. */
  readonly signal?: AbortSignal | undefined;
  readonly peer?: PeerCredentials | undefined;
}

/** The namespace of a call. @throws failed_precondition without one, invalid_argument for a malformed one. */
export function requireNamespace(ctx: RequestContext): string {
  if (ctx.namespace === undefined || ctx.namespace === "") throw failedPrecondition("namespace is required");
  try {
    validateIdentifier(ctx.namespace);
  } catch (error) {
    throw errorKind(error) === "invalid_argument" ? wrapError("namespace validation", error) : error;
  }
  return ctx.namespace;
}
