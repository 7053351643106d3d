// An archive becomes an image of LXD's for as long as the import takes.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { isNotFound } from "../../../api/core/errors.js";
import { deleteImage, getImage, importImage } from "../../../runtime/lxd/images.js";
import type { LxdServer } from "../../../runtime/lxd/server.js";

/** Name of the archive that LXD keeps with the image; by it those are known that a killed server left. */
export const IMPORT_FILE = "tremplin-import.tar.gz";

const CHUNK_BYTES = 1024 * 1024;

export interface UploadOptions {
  /** Ends the upload while the archive is on its way. Once LXD has it all, it goes on to the end. */
  readonly signal: AbortSignal;
  /** Told how many bytes are on their way. */
  readonly onBytes: (sentBytes: number) => void;
}

export interface UploadedImage {
  readonly fingerprint: string;
  /** No: it was there already, and somebody else's. */
  readonly isOurs: boolean;
}

/** @throws what the signal was aborted with; unknown for what is no image. */
export async function uploadImage(
  lxd: LxdServer,
  path: string,
  { signal, onBytes }: UploadOptions,
): Promise<UploadedImage> {
  const hash = createHash("sha256");
  async function* archive(): AsyncGenerator<Buffer> {
    let sent = 0;
    const file: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: CHUNK_BYTES });
    for await (const chunk of file) {
      signal.throwIfAborted();
      hash.update(chunk);
      sent += chunk.length;
      onBytes(sent);
      yield chunk;
    }
  }
  try {
    const fingerprint = await importImage(lxd, { unified: archive() }, { filename: IMPORT_FILE });
    return { fingerprint, isOurs: true };
  } catch (error) {
    signal.throwIfAborted();
    // An archive's digest is the image's fingerprint. The same one cannot be taken twice.
    const fingerprint = hash.digest("hex");
    const image = await getImage(lxd, fingerprint).catch(() => undefined);
    if (image === undefined) throw error;
    // One that an import before this one could not remove, or somebody else's.
    return { fingerprint, isOurs: image.filename === IMPORT_FILE };
  }
}

/** Gone already is fine. */
export async function removeImage(lxd: LxdServer, { fingerprint, isOurs }: UploadedImage): Promise<void> {
  if (!isOurs) return;
  await deleteImage(lxd, fingerprint).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
}
