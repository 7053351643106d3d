// An image for the tour, made from what is on the machine: busybox and its links as one layer, a greeting as another. Kept in
// memory, as a registry has it: bytes by digest.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";

const MEDIA = "application/vnd.oci.image";
const ARCHITECTURES = { x64: "amd64", ia32: "386" };

/** @typedef {{ readonly mediaType: string, readonly bytes: Buffer }} Blob */

/** @param {Uint8Array} bytes */
const digestOf = (bytes) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** Every entry below a folder, folders before what is in them. @param {string} folder @returns {import("node:fs").Dirent[]} */
function entriesOf(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.sort((a, b) => (join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1));
}

/** A folder as a layer: owned by root, without times. @param {string} folder */
function layerOf(folder) {
  const archive = pack();
  const mtime = new Date(0);
  for (const entry of entriesOf(folder)) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(folder.length + 1);
    if (entry.isDirectory()) archive.entry({ name: `${name}/`, type: "directory", mode: 0o755, mtime });
    else if (entry.isSymbolicLink()) archive.entry({ name, type: "symlink", linkname: readlinkSync(path), mtime });
    else archive.entry({ name, mode: name.startsWith("bin/") ? 0o755 : 0o644, mtime }, readFileSync(path));
  }
  archive.finalize();
  return buffer(archive);
}

/**
 * @param {readonly string[]} folders one layer each, the lowest first
 * @param {readonly string[]} command what it runs
 * @returns {Promise<{ readonly manifest: string, readonly blobs: Map<string, Blob> }>} digest of the manifest, and everything by digest
 */
export async function makeImage(folders, command) {
  /** @type {Map<string, Blob>} */
  const blobs = new Map();
  /** @param {string} mediaType @param {Buffer} bytes */
  const add = (mediaType, bytes) => {
    const digest = digestOf(bytes);
    blobs.set(digest, { mediaType, bytes });
    return { mediaType, digest, size: bytes.length };
  };
  /** @param {unknown} value */
  const json = (value) => Buffer.from(JSON.stringify(value));
  const layers = [];
  const diffIds = [];
  for (const folder of folders) {
    const archive = await layerOf(folder);
    diffIds.push(digestOf(archive));
    layers.push(add(`${MEDIA}.layer.v1.tar+gzip`, gzipSync(archive)));
  }
  const architecture = ARCHITECTURES[/** @type {"x64"} */ (process.arch)] ?? process.arch;
  const config = add(
    `${MEDIA}.config.v1+json`,
    json({
      os: "linux",
      architecture,
      config: { Cmd: command, Env: ["PATH=/bin"], WorkingDir: "/" },
      rootfs: { type: "layers", diff_ids: diffIds },
    }),
  );
  const manifest = add(
    `${MEDIA}.manifest.v1+json`,
    json({ schemaVersion: 2, mediaType: `${MEDIA}.manifest.v1+json`, config, layers }),
  );
  return { manifest: manifest.digest, blobs };
}
