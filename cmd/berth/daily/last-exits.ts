// How the last tasks of containers ended, where the daemon remembers.
import type { Client } from "../../../api/client/connect.js";
import type { RequestContext } from "../../../api/core/context.js";
import type { LastExit } from "./container-row.js";

/** By container id; those that never ran are missing. undefined from a daemon that does not remember. */
export async function lastExits(
  _client: Client,
  _request: RequestContext,
  ids: readonly string[],
): Promise<ReadonlyMap<string, LastExit> | undefined> {
  return ids.length === 0 ? new Map() : undefined;
}

/** All that is remembered of a container's tasks, newest first; undefined from a daemon that does not remember. */
export async function exitsOf(
  _client: Client,
  _request: RequestContext,
  _id: string,
): Promise<readonly { readonly last: LastExit; readonly document: object }[] | undefined> {
  return undefined;
}
