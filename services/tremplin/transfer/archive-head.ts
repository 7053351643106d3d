// What can be known of an archive before it is unpacked: the architecture, if it stands at the front, and how much room it takes.

import { type TarEntry, TarReader } from "../../../api/core/tar/reader.js";
import { readDecompressed, sniff } from "../../../runtime/diff/apply/decompress.js";
import { architectureOf } from "./metadata-yaml.js";
import { METADATA } from "./tree.js";

const MAX_METADATA_BYTES = 1024 * 1024;
const FOUR_GIB = 2n ** 32n;
/** Length of the original, modulo 4 GiB, at a gzip file's end. */
export const TRAILER_BYTES = 4;

/** The architecture that the archive is for; undefined when its first entry does not tell, or it cannot be read here. */
export async function readArchitecture(path: string): Promise<string | undefined> {
  let first: TarEntry | undefined;
  let isOver = false;
  const parts: Buffer[] = [];
  const reader = new TarReader({
    entry: (entry) => {
      if (first === undefined) first = entry;
      else isOver = true;
    },
    data: (buffer, start, end) => {
      // Copied, since the reader's chunk is not kept.
      if (!isOver) parts.push(Buffer.from(buffer.subarray(start, end)));
    },
    end: () => {
      isOver = true;
    },
  });
  try {
    for await (const chunk of readDecompressed(path, { sniffed: true })) {
      reader.push(chunk);
      if (isOver || (first !== undefined && !isDescription(first))) break;
    }
  } catch {
    // Whoever unpacks it says better what is wrong with it.
    return undefined;
  }
  return first !== undefined && isDescription(first) ? architectureOf(Buffer.concat(parts).toString()) : undefined;
}

function isDescription({ name, fileBytes }: TarEntry): boolean {
  return (name === METADATA || name === `./${METADATA}`) && fileBytes <= MAX_METADATA_BYTES;
}

/**
 * The least that an archive takes: itself, and what comes out of it. The latter is told by a gzip file's last 4 bytes up to
 * multiples of 4 GiB, and of any other it is taken to be as much again.
 * @param start the file's first 4 bytes @param trailer its last 4
 */
export function neededBytes(sizeBytes: bigint, start: Uint8Array, trailer: Buffer): bigint {
  if (sniff(start) !== "gzip") return sizeBytes * 2n;
  const estimate = sizeBytes - (sizeBytes % FOUR_GIB) + BigInt(trailer.readUInt32LE(0));
  return sizeBytes + (estimate < sizeBytes ? estimate + FOUR_GIB : estimate);
}
