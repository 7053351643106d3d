// Layers made by chance that can be repeated, and one small set by hand that has something of everything.

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { Client } from "../../api/client/connect.js";
import type { RequestContext } from "../../api/core/context.js";
import type { Descriptor } from "../../api/core/descriptor.js";
import { isAlreadyExists } from "../../api/core/errors.js";
import { seeded } from "./random.js";
import { type RawEntry, tarOf } from "./tar.js";

export const GZIP_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
const CHUNK_BYTES = 1024 * 1024;

/** Puts bytes into the content store of a daemon. */
export async function ingest(
  client: Pick<Client, "content">,
  ctx: RequestContext,
  bytes: Buffer,
  mediaType = GZIP_LAYER,
): Promise<Descriptor> {
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const descriptor = { mediaType, digest, sizeBytes: bytes.length, annotations: {} };
  try {
    await using writer = await client.content.openWriter(ctx, {
      ref: `layer-${digest}`,
      expected: digest,
      totalBytes: bytes.length,
    });
    // Another namespace may have the bytes already.
    for (let at = writer.offsetBytes; at < bytes.length; at += CHUNK_BYTES)
      await writer.write(bytes.subarray(at, at + CHUNK_BYTES));
    await writer.commit({ sizeBytes: bytes.length, expected: digest });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
  return descriptor;
}

/** `files` files in `layers` gzipped layers, of some 4 KB each, half of it incompressible. The same seed makes the same bytes. */
export function layerSet(files: number, layers: number, seed = 1): Buffer[] {
  const random = seeded(seed);
  const perLayer = Math.ceil(files / layers);
  const noise = Buffer.from(Uint8Array.from({ length: 65_536 }, () => random.between(0, 256)));
  return Array.from({ length: layers }, (_, layer) => {
    const entries: RawEntry[] = [];
    for (let file = 0; file < perLayer; file += 1) {
      const folder = `usr/share/p${layer % 4}/d${layer}-${Math.floor(file / 50)}`;
      if (file % 50 === 0) entries.push({ name: `${folder}/`, type: "5" });
      const start = random.between(0, noise.length - 4096);
      const body = Buffer.concat([noise.subarray(start, start + 2048), Buffer.alloc(random.between(1, 4096), "text ")]);
      entries.push({ name: `${folder}/f${file}`, body, mode: file % 7 === 0 ? 0o755 : 0o644, uid: file % 3 });
    }
    return gzipSync(tarOf(...entries), { level: 1 });
  });
}

/** Three layers, each changing what those before it made, with every kind of entry and name. */
export const EVERYTHING: readonly (readonly RawEntry[])[] = [
  [
    { name: "./", type: "5", mode: 0o700 },
    { name: "bin/", type: "5" },
    { name: "bin/sh", body: "#!shell", mode: 0o4755 },
    { name: "bin/sticky/", type: "5", mode: 0o1777, mtime: 1_234_567_890 },
    { name: "bin/link", type: "2", linkName: "/bin/sh", uid: 7, gid: 8 },
    { name: "bin/hard", type: "1", linkName: "bin/sh", mode: 0o755, uid: 1 },
    { name: "bin/hardlink-to-link", type: "1", linkName: "./bin/link", uid: 7 },
    { name: "lib", type: "2", linkName: "usr/lib" },
    { name: "usr/", type: "5", mode: 0o750, uid: 11, gid: 12 },
    { name: "usr/lib/", type: "5" },
    { name: "lib/through-a-link", body: "x".repeat(2000) },
    { name: "dev/null", type: "3", major: 1, minor: 3, mode: 0o666 },
    { name: "dev/big", type: "4", major: 259, minor: 1000, mode: 0o600 },
    { name: "dev/fifo", type: "6", mode: 0o640 },
    { name: "owner", pax: { uid: "3000000", gid: "4000000", mtime: "1500000000.123456789", atime: "1600000000.5" } },
    { name: "xattrs", body: "x", pax: { "SCHILY.xattr.user.note": "a\nb=c", "SCHILY.xattr.trusted.hidden": "no" } },
    { name: "short", body: "long", pax: { path: `${"long/".repeat(40)}name-\xc3\xa9` } },
    { name: "latin-\xe9", body: "no UTF-8" },
    { name: "gone", body: "1" },
    { name: "gone-folder/", type: "5" },
    { name: "gone-folder/file", body: "2" },
    { name: "opaque/", type: "5" },
    { name: "opaque/below", body: "3" },
    { name: "opaque/sub/deep", body: "3" },
    { name: "file-to-folder", body: "4" },
    { name: "folder-to-file/", type: "5" },
    { name: "folder-to-file/x", body: "5" },
    { name: "old-time", body: "6", mtime: 0 },
    { name: "a/../escaped", body: "7" },
    { name: "../../above", body: "8" },
    { name: "/absolute", body: "9" },
  ],
  [
    { name: ".wh.gone" },
    { name: ".wh.gone-folder" },
    { name: ".wh.never-was" },
    { name: "opaque/", type: "5", mode: 0o711 },
    { name: "opaque/.wh..wh..opq" },
    { name: "opaque/above", body: "new" },
    { name: "file-to-folder/", type: "5" },
    { name: "file-to-folder/in", body: "in" },
    { name: "folder-to-file", body: "file" },
    { name: "usr/lib/deep/er/file", body: "parents come from below" },
    { name: "bin/sh", body: "another shell", mode: 0o755 },
  ],
  [
    { name: "gone", body: "back again" },
    { name: "opaque/.wh.above" },
    { name: "twice", body: "first" },
    { name: "twice", body: "second" },
    { name: "twice-folder", body: "first" },
    { name: "twice-folder/", type: "5" },
    { name: "empty/", type: "5", mode: 0 },
  ],
];
