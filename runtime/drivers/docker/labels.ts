// How a container at the engine is known to be one of ours, and what it is called there.
import { createHash } from "node:crypto";

const OWNER_LABEL = "io.berth.owner";
const NAMESPACE_LABEL = "io.berth.namespace";
const ID_LABEL = "io.berth.id";
const MAX_NAME_LENGTH = 120;
const HASH_LENGTH = 12;

/** Whose container it is, and of which task. */
export interface Ownership {
  readonly owner: string;
  readonly namespace: string;
  readonly id: string;
}

/** The labels of a container. */
export const labelsOf = ({ owner, namespace, id }: Ownership): Record<string, string> => ({
  [OWNER_LABEL]: owner,
  [NAMESPACE_LABEL]: namespace,
  [ID_LABEL]: id,
});

/** Of a list or an event stream: only ours. */
export const ownedBy = (owner: string): { label: string[] } => ({ label: [`${OWNER_LABEL}=${owner}`] });

/** Of a list: the containers of one task. */
export const ownedAs = (ownership: Ownership): { label: string[] } => ({
  label: Object.entries(labelsOf(ownership)).map(([name, value]) => `${name}=${value}`),
});

/** Undefined for a container that is not ours, or whose labels somebody has taken away. */
export function taskOfLabels(
  labels: Readonly<Record<string, string>>,
  owner: string,
): { readonly namespace: string; readonly id: string } | undefined {
  const [namespace, id] = [labels[NAMESPACE_LABEL], labels[ID_LABEL]];
  if (labels[OWNER_LABEL] !== owner || namespace === undefined || id === undefined) return undefined;
  return { namespace, id };
}

/** `berth-<namespace>-<id>`; a long one is cut and told apart by a hash. */
export function containerName(namespace: string, id: string): string {
  const name = `berth-${namespace}-${id}`;
  return name.length <= MAX_NAME_LENGTH ? name : distinctName(namespace, id, "");
}

/** For when somebody else's container has the name: with a hash of all three. */
export function distinctName(namespace: string, id: string, salt: string): string {
  const hash = createHash("sha256").update(`${namespace}/${id}/${salt}`).digest("hex").slice(0, HASH_LENGTH);
  return `${`berth-${namespace}-${id}`.slice(0, MAX_NAME_LENGTH - HASH_LENGTH - 1)}-${hash}`;
}
