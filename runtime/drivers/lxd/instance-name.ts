// What a task's instance is called at LXD, whose names are those of hosts.
import { createHash } from "node:crypto";

const MAX_LENGTH = 63;
const HASH_LENGTH = 12;

/** `berth-<namespace>-<id>`; one that LXD would not take, or that is not clear, is mended and told apart by a hash. */
export function instanceName(namespace: string, id: string): string {
  const name = `berth-${namespace}-${id}`;
  const isClear = /^[a-z0-9]+$/.test(namespace) && /^[a-z0-9-]*[a-z0-9]$/.test(id);
  if (isClear && name.length <= MAX_LENGTH) return name;
  const hash = createHash("sha256").update(`${namespace}/${id}`).digest("hex").slice(0, HASH_LENGTH);
  const start = name.toLowerCase().replaceAll(/[^a-z0-9-]/g, "-");
  return `${start.slice(0, MAX_LENGTH - HASH_LENGTH - 1)}-${hash}`;
}
