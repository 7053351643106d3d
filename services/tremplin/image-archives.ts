// An image of two archives, for as long as a container is made of it: LXD makes containers of images only.
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { isNotFound } from "../../api/core/errors.js";
import { getImage, importImage } from "../../runtime/lxd/images.js";
import type { LxdServer } from "../../runtime/lxd/server.js";

/** Name of the archives that LXD keeps with the image; by it those are known that a killed server left. */
export const CREATE_FILE = "tremplin-create.tar";

export interface Archives {
  readonly rootfs: FileHandle;
  readonly metadata: FileHandle;
}

export interface TakenImage {
  readonly fingerprint: string;
  /** Otherwise LXD had it before. */
  readonly isOurs: boolean;
}

/** Delete it afterwards if it is ours. The files stay open. @throws what LXD says of archives that are no image. */
export async function takeImage(
  lxd: LxdServer,
  { rootfs, metadata }: Archives,
  signal: AbortSignal,
): Promise<TakenImage> {
  try {
    const archive = { metadata: contentOf(metadata), rootfs: contentOf(rootfs) };
    return { fingerprint: await importImage(lxd, archive, { filename: CREATE_FILE, signal }), isOurs: true };
  } catch (error) {
    signal.throwIfAborted();
    // It cannot be taken twice.
    const fingerprint = await fingerprintOf({ rootfs, metadata });
    if (!(await isThere(lxd, fingerprint))) throw error;
    return { fingerprint, isOurs: false };
  }
}

const contentOf = (file: FileHandle): AsyncIterable<Buffer> => file.createReadStream({ start: 0, autoClose: false });

/** As LXD makes it: of the metadata's bytes and then the other's. */
async function fingerprintOf({ metadata, rootfs }: Archives): Promise<string> {
  const hash = createHash("sha256");
  for (const file of [metadata, rootfs]) for await (const chunk of contentOf(file)) hash.update(chunk);
  return hash.digest("hex");
}

async function isThere(lxd: LxdServer, fingerprint: string): Promise<boolean> {
  return await getImage(lxd, fingerprint).then(
    () => true,
    (error: unknown) => {
      if (isNotFound(error)) return false;
      throw error;
    },
  );
}
