// How things are called: the runtime, a task's instance at LXD, and what marks an instance as one of ours.
import { createHash } from "node:crypto";
import type { LxdInstance } from "../../lxd/instances.js";

/** The runtime's name, and that of the driver's folder below root and state folder. */
export const LXD_RUNTIME = "io.berth.lxd.v1";

const OWNER_KEY = "user.berth.owner";
const NAMESPACE_KEY = "user.berth.namespace";
const ID_KEY = "user.berth.id";
const MAX_LENGTH = 63;
const HASH_LENGTH = 12;

/** Whose instance it is, and of which task. */
export interface Ownership {
  readonly owner: string;
  readonly namespace: string;
  readonly id: string;
}

/** Settings of an instance of ours. LXD keeps what begins with `user.` and makes nothing of it. */
export const marksOf = ({ owner, namespace, id }: Ownership): Record<string, string> => ({
  [OWNER_KEY]: owner,
  [NAMESPACE_KEY]: namespace,
  [ID_KEY]: id,
});

/** Undefined for an instance that is not ours, or whose marks somebody has taken away. */
export function taskOfMarks(
  { config }: Pick<LxdInstance, "config">,
  owner: string,
): { readonly namespace: string; readonly id: string } | undefined {
  const [namespace, id] = [config[NAMESPACE_KEY], config[ID_KEY]];
  if (config[OWNER_KEY] !== owner || namespace === undefined || id === undefined) return undefined;
  return { namespace, id };
}

/** What LXD knows an instance by, whatever its name is; "" where it does not say. */
export const uuidOf = ({ config }: Pick<LxdInstance, "config">): string => config["volatile.uuid"] ?? "";

/** `berth-<namespace>-<id>`; one that LXD would not take, or that is not clear, is mended and told apart by a hash. */
export function instanceName(namespace: string, id: string): string {
  const name = `berth-${namespace}-${id}`;
  const isClear = /^[a-z0-9]+$/.test(namespace) && /^[a-z0-9-]*[a-z0-9]$/.test(id);
  return isClear && name.length <= MAX_LENGTH ? name : distinctName(namespace, id, "");
}

/** For when somebody else's instance has the name: with a hash of all three. */
export function distinctName(namespace: string, id: string, salt: string): string {
  const hash = createHash("sha256").update(`${namespace}/${id}/${salt}`).digest("hex").slice(0, HASH_LENGTH);
  const start = `berth-${namespace}-${id}`.toLowerCase().replaceAll(/[^a-z0-9-]/g, "-");
  return `${start.slice(0, MAX_LENGTH - HASH_LENGTH - 1)}-${hash}`;
}
