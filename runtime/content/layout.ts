// Where content lies below its folder, as containerd lays it out:
//   blobs/<algorithm>/<hex>            the bytes of a blob, read-only
//   ingest/<sha256 of the ref>/        an unfinished write: its ref, data, startedat, updatedat and, when it is known, total
// Only a checked digest and a hash ever become part of a path.
// @source containerd plugins/content/local/store.go
import { createHash } from "node:crypto";
import { join } from "node:path";
import { validateDigest } from "../../api/core/digest.js";

export const BLOB_MODE = 0o444;
export const FOLDER_MODE = 0o755;

export const blobsDir = (rootDir: string): string => join(rootDir, "blobs");
export const ingestsDir = (rootDir: string): string => join(rootDir, "ingest");

/** @throws invalid_argument for a digest that is none. */
export function blobPath(rootDir: string, digest: string): string {
  validateDigest(digest, JSON.stringify(digest));
  const colon = digest.indexOf(":");
  return join(blobsDir(rootDir), digest.slice(0, colon), digest.slice(colon + 1));
}

/** The name of an ingest's folder: any text may be a ref. */
export const ingestName = (ref: string): string => createHash("sha256").update(ref).digest("hex");

export const ingestDir = (rootDir: string, ref: string): string => join(ingestsDir(rootDir), ingestName(ref));
