// Records of content against the backend's files, both ways: for the doctor, who changes nothing.
import type { CleanupParts } from "./content-cleanup.js";
import { liveContent } from "./content-cleanup.js";

export interface ContentAudit {
  /** Records whose bytes are not there, or are fewer or more than they say. */
  readonly broken: readonly { readonly namespace: string; readonly digest: string; readonly detail: string }[];
  /** Digests of blobs that no record names. */
  readonly strayBlobs: readonly string[];
  /** The backend's names of ingests that no record names. */
  readonly strayIngests: readonly string[];
}

const ROWS = "SELECT namespace, digest, size FROM content ORDER BY namespace, digest";

interface Row {
  readonly namespace: string;
  readonly digest: string;
  readonly size: number;
}

/** Nobody opens or commits meanwhile, so that files and records can be compared. */
export async function auditContent({ db, backend, lock }: CleanupParts): Promise<ContentAudit> {
  return await lock.exclusive(async () => {
    const { rows, live } = db.view((reader) => ({ rows: reader.all<Row>(ROWS), live: liveContent(reader) }));
    const broken: { namespace: string; digest: string; detail: string }[] = [];
    for (const { namespace, digest, size } of rows) {
      const found = await backend.size(digest);
      if (found === size) continue;
      const detail = found === undefined ? "its bytes are gone" : `${found} bytes are there instead of ${size}`;
      broken.push({ namespace, digest, detail });
    }
    const strayBlobs: string[] = [];
    for await (const digest of backend.blobs()) if (!live.digests.has(digest)) strayBlobs.push(digest);
    const strayIngests: string[] = [];
    for await (const { ref } of backend.ingests()) if (!live.refs.has(ref)) strayIngests.push(ref);
    return { broken, strayBlobs: strayBlobs.sort(), strayIngests: strayIngests.sort() };
  });
}
