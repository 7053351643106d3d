// Runtimes that only Berth's daemons have.
import type { RequestContext } from "../../core/context.js";
import { failedPrecondition } from "../../core/errors.js";

/** What Berth's daemons have in their versions, and others have not. */
const BERTH_VERSION = /\+berth\./;

/** What tells what a daemon is; a client does. */
export interface VersionedDaemon {
  version(ctx?: RequestContext): Promise<{ readonly version: string }>;
}

/** @throws failed_precondition for a daemon that would look for a shim of that name, and not find one. */
export async function requireOwnRuntime(
  daemon: VersionedDaemon,
  request: RequestContext,
  runtime: string,
): Promise<void> {
  const { version } = await daemon.version(request);
  if (BERTH_VERSION.test(version)) return;
  throw failedPrecondition(`runtime ${runtime} is one of berthd's: a daemon of version ${version} has no such`);
}
