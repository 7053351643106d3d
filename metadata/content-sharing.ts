// Who may take over a blob of another namespace without sending its bytes.
// @source containerd core/metadata/content.go (Writer, isSharedContent)
import type { Reader } from "./statements.js";

/** `shared`: whoever knows the digest. `isolated`: only from namespaces that are labelled as shareable. */
export type ContentSharing = "shared" | "isolated";

const SHAREABLE_LABEL = "containerd.io/namespace.shareable";

const ANYWHERE = "SELECT size FROM content WHERE digest = ? LIMIT 1";
const SHAREABLE = `SELECT c.size FROM content c
  JOIN namespace_labels l ON l.namespace = c.namespace AND l.key = '${SHAREABLE_LABEL}' AND l.value = 'true'
  WHERE c.digest = ? LIMIT 1`;

/** Size in bytes of a blob that may be taken over; undefined when there is none. */
export function shareableSize(reader: Reader, policy: ContentSharing, digest: string): number | undefined {
  return reader.get<{ size: number }>(policy === "shared" ? ANYWHERE : SHAREABLE, digest)?.size;
}
