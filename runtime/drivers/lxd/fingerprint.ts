// What LXD calls an image that comes in archives: the digest of their bytes, one after the other.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { invalidArgument } from "../../../api/core/errors.js";
import { hasCode } from "../../sys/errno.js";
import { systemText } from "../../sys/system-text.js";

/** @param paths of the one archive, or of metadata and root file system. @throws invalid_argument for what is no file; cancelled. */
export async function fingerprintOf(paths: readonly string[], signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  for (const path of paths) {
    try {
      for await (const chunk of createReadStream(path, { signal })) hash.update(chunk);
    } catch (error) {
      if (!hasCode(error, "ENOENT", "ENOTDIR", "EISDIR", "EACCES")) throw error;
      throw invalidArgument(`runtime options: image: ${systemText("open", path, error)}`, error);
    }
  }
  return hash.digest("hex");
}
