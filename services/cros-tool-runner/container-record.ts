// The record and the task of a container in the daemon's store, and taking them away again.
import { createHash } from "node:crypto";
import { removeProcess, unlessNotFound } from "../../api/client/run/remove.js";
import type { Container } from "../../api/core/container.js";
import { isNotFound } from "../../api/core/errors.js";
import { isIdentifier } from "../../api/core/identifiers.js";
import type { Runner } from "./runner.js";

/** Of a record: the name that its container has in the engine. */
export const NAME_LABEL = "ctr.name";
/** Of a record: which server made it, anew at each start of one. */
export const OWNER_LABEL = "ctr.owner";

const CLEANUP_TIMEOUT_MS = 30_000;
const HASH_DIGITS = 12;

/** The id that the container of this name has in the store: Docker allows more in names than containerd in ids. */
export function recordId(name: string): string {
  if (isIdentifier(name)) return name;
  return `ctr-${createHash("sha256").update(name).digest("hex").slice(0, HASH_DIGITS)}`;
}

/** Ends the task, if there is one, and removes task and record. What is gone already does not matter. */
export async function discard({ client }: Pick<Runner, "client">, id: string): Promise<void> {
  const ctx = { signal: AbortSignal.timeout(CLEANUP_TIMEOUT_MS) };
  await removeProcess(client, ctx, id, "");
  await client.containers.delete(ctx, id).catch(unlessNotFound);
}

/** The record of this id; undefined without one. */
export async function findRecord({ client }: Pick<Runner, "client">, id: string): Promise<Container | undefined> {
  try {
    return await client.containers.get({}, id);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return undefined;
  }
}
