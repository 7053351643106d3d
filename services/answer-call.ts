// What surrounds every call, however it came: it is counted as open, its failure becomes a status, and the log hears of it.
import type { RequestContext } from "../api/core/context.js";
import { errorKind } from "../api/core/errors.js";
import type { Logger } from "../api/core/log.js";
import { codeName, type GrpcStatus, toStatus } from "./grpc/status.js";
import type { OpenCall, OpenCalls } from "./open-calls.js";

export interface CallFailure {
  /** As the caller sees it. */
  readonly status: GrpcStatus;
  /** What was thrown. */
  readonly cause: unknown;
}

export interface Surroundings {
  readonly calls: OpenCalls;
  readonly open: OpenCall;
  readonly ctx: RequestContext;
  readonly log: Logger;
}

/** Runs one call of the RPC at `path`, unless it has been given up. Resolves with how it failed; it never rejects. */
export async function answerCall(
  path: string,
  { calls, open, ctx, log }: Surroundings,
  answer: () => Promise<void>,
): Promise<CallFailure | undefined> {
  const startedAt = performance.now();
  try {
    if (open.reason !== undefined) throw open.reason;
    await answer();
    return undefined;
  } catch (error) {
    const cause = open.reason !== undefined && errorKind(error) === "cancelled" ? open.reason : error;
    const status = toStatus(cause);
    const durationMs = Math.round(performance.now() - startedAt);
    const fields = { rpc: path, code: codeName(status.code), namespace: ctx.namespace, durationMs };
    if (errorKind(cause) === "cancelled") log.debug(fields, "rpc cancelled");
    // As the caller sees it: what is too long for the wire is too long for the log.
    else if (cause instanceof Error && "kind" in cause) log.info({ ...fields, reason: status.details }, "rpc failed");
    else log.error({ ...fields, err: cause }, "rpc failed unexpectedly");
    return { status, cause };
  } finally {
    calls.leave(open);
  }
}
