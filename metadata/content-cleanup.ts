// What the collector does to the bytes of content: frees blobs and ingests that no record of any namespace names.
// @source containerd core/metadata/content.go (garbageCollect)
import type { ContentBackend } from "../api/core/content-backend.js";
import type { BackendLock } from "./backend-lock.js";
import { backendRef, readAllIngests } from "./content-rows.js";
import type { Database } from "./db.js";
import type { Reader } from "./statements.js";

/** What a cleanup freed. */
export interface ContentCleanup {
  readonly blobs: readonly { readonly digest: string; readonly sizeBytes: number }[];
  /** The backend's names of ingests: `<namespace>/<number>/<ref>`. */
  readonly ingests: readonly { readonly ref: string; readonly sizeBytes: number }[];
}

export interface CleanupParts {
  readonly db: Database;
  readonly backend: ContentBackend;
  readonly lock: BackendLock;
}

const DIGESTS = "SELECT DISTINCT digest FROM content";

/** What must stay, in all namespaces: digests of blobs, those that ingests stand for included, and the backend's refs. */
export function liveContent(reader: Reader): { readonly digests: Set<string>; readonly refs: Set<string> } {
  const digests = new Set(reader.all<{ digest: string }>(DIGESTS).map(({ digest }) => digest));
  const refs = new Set<string>();
  for (const row of readAllIngests(reader)) {
    refs.add(backendRef(row));
    if (row.expected !== "") digests.add(row.expected);
  }
  return { digests, refs };
}

/** Nobody opens or commits meanwhile; writers that are open go on. */
export async function cleanUpContent({ db, backend, lock }: CleanupParts): Promise<ContentCleanup> {
  return await lock.exclusive(async () => {
    // As an update, since that answers when all it saw is on disk: a deletion that a crash undoes must find its bytes.
    const live = await db.update(liveContent, { evenWhenFull: true, bookkeeping: true });
    const blobs: { digest: string; sizeBytes: number }[] = [];
    for await (const digest of backend.blobs()) {
      const sizeBytes = live.digests.has(digest) ? undefined : await backend.remove(digest);
      if (sizeBytes !== undefined) blobs.push({ digest, sizeBytes });
    }
    const ingests: { ref: string; sizeBytes: number }[] = [];
    for await (const { ref, offsetBytes } of backend.ingests()) {
      if (live.refs.has(ref)) continue;
      await backend.abort(ref);
      ingests.push({ ref, sizeBytes: offsetBytes });
    }
    return { blobs, ingests };
  });
}
