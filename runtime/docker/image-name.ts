// What an image's name is to an engine: where to look for it, what to ask its registry for, and what a loaded image is called.
import { normalizeReference, type Reference } from "../../api/core/reference.js";

export interface EngineImageName {
  /** Names that an engine may have it under, in order. Safe in a path. */
  readonly candidates: readonly string[];
  /** undefined for an image's id, which no registry knows. */
  readonly remote: RemoteName | undefined;
}

export interface RemoteName {
  /** With its host. */
  readonly repository: string;
  /** A tag or a digest: what is to be fetched. */
  readonly object: string;
  /** What an image is called that did not come from the registry: an engine gives digests only to those that did. */
  readonly tag: string;
}

const ID = /^(?:sha256:)?[0-9a-f]{64}$/;
const MAX_TAG_LENGTH = 128;

/** undefined for a name that no engine takes. A digest beside a tag is what counts. */
export function engineImageName(name: string): EngineImageName | undefined {
  if (ID.test(name)) return { candidates: [name], remote: undefined };
  let reference: Reference;
  try {
    reference = normalizeReference(name);
  } catch {
    return undefined;
  }
  const repository = `${reference.host}/${reference.repository}`;
  const { digest, tag = "latest" } = reference;
  if (digest === undefined) {
    return { candidates: [`${repository}:${tag}`], remote: { repository, object: tag, tag } };
  }
  const standIn = digest.replace(":", "-").slice(0, MAX_TAG_LENGTH);
  return {
    candidates: [`${repository}@${digest}`, `${repository}:${standIn}`],
    remote: { repository, object: digest, tag: standIn },
  };
}
