// The layers that the image benchmarks move: many small files, and one large one.
import { createHash } from "node:crypto";
import { createGzip, gunzipSync } from "node:zlib";
import { OCI_LAYER_GZIP } from "../../api/client/distribution/media-types.js";
import { sha256, type TestLayer, testBlob } from "../helpers/image.js";
import { layerSet } from "../helpers/layers.js";
import { seeded } from "../helpers/random.js";
import { tarEntry } from "../helpers/tar.js";

const PIECE_BYTES = 1_000_000;
const BLOCK_BYTES = 512;

/** `files` files of some 4 KB. */
export const manyFiles = (files: number, layers: number): TestLayer[] =>
  layerSet(files, layers).map((bytes) => ({ ...testBlob(OCI_LAYER_GZIP, bytes), diffId: sha256(gunzipSync(bytes)) }));

/** One file, of which a half does not compress; `sizeBytes` in whole megabytes. */
export async function largeLayer(sizeBytes: number): Promise<TestLayer> {
  const random = seeded(2);
  const noise = Buffer.from(Uint8Array.from({ length: PIECE_BYTES / 2 }, () => random.between(0, 256)));
  const piece = Buffer.concat([noise, Buffer.alloc(PIECE_BYTES / 2, "as much text as noise ")]);
  const hash = createHash("sha256");
  const gzip = createGzip({ level: 1 });
  const packed: Buffer[] = [];
  gzip.on("data", (chunk: Buffer) => packed.push(chunk));
  const ended = new Promise<void>((resolve, reject) => gzip.once("end", resolve).once("error", reject));
  const put = async (bytes: Buffer): Promise<void> => {
    hash.update(bytes);
    await new Promise<void>((resolve) => gzip.write(bytes, () => resolve()));
  };
  await put(tarEntry({ name: "large", size: sizeBytes }));
  for (let written = 0; written < sizeBytes; written += PIECE_BYTES) await put(piece);
  await put(Buffer.alloc(2 * BLOCK_BYTES + ((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES)));
  gzip.end();
  await ended;
  return { ...testBlob(OCI_LAYER_GZIP, Buffer.concat(packed)), diffId: `sha256:${hash.digest("hex")}` };
}
