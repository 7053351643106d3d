// The shim that may be running at a socket already. It is asked, since that somebody takes a connection does not mean that he answers.

import { hasCode } from "../../runtime/sys/errno.js";
import { connectTtrpc, isTtrpcClosed, type TtrpcClient } from "../../runtime/ttrpc/client.js";
import { taskApi } from "../../runtime/ttrpc/task-api.js";

const API = taskApi(2);

/**
 * Dials it. undefined when nobody listens there.
 * @throws unavailable when it cannot be reached for another reason.
 */
export async function dialShim(path: string, timeoutMs: number): Promise<TtrpcClient | undefined> {
  try {
    return await connectTtrpc(path, { connectTimeoutMs: timeoutMs });
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (hasCode(cause, "ENOENT") || hasCode(cause, "ECONNREFUSED")) return undefined;
    throw error;
  }
}

/**
 * Whether a shim answers at this socket; one that is about to end counts as none.
 * @throws deadline_exceeded when it listens and does not answer: it may have tasks, so it must not be replaced.
 */
export async function isShimRunning(path: string, timeoutMs: number): Promise<boolean> {
  await using client = await dialShim(path, timeoutMs);
  if (client === undefined) return false;
  try {
    await client.call(API.connect, { id: "" }, { timeoutMs });
    return true;
  } catch (error) {
    if (isTtrpcClosed(error)) return false;
    throw error;
  }
}
