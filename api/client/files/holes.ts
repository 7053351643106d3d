// Files with holes, as GNU tar writes them down: a map of the pieces with data, then these.
// @source GNU tar manual, "Storing Sparse Files" (form 1.0)

import { dataRangeFrom } from "../../../runtime/sys/holes.js";
import { BLOCK_BYTES } from "../../core/tar/header.js";
import type { Piece } from "../../core/tar/sparse.js";
import { padding } from "../../core/tar/writer.js";

/** Shorter files are not worth a map. */
const MIN_BYTES = 16 * 1024;

/** Where a file has data, in whole blocks but for its end; undefined when it has no hole to speak of. */
export function filePieces(fd: number, sizeBytes: number): Piece[] | undefined {
  if (sizeBytes < MIN_BYTES) return undefined;
  const pieces: { offset: number; length: number }[] = [];
  let end = 0;
  for (let from = 0; from < sizeBytes; from = end) {
    const range = dataRangeFrom(fd, from);
    if (range === undefined || range.start >= sizeBytes) break;
    // Readers take block after block, so a piece that ended within one would shift all that follow.
    const start = Math.floor(range.start / BLOCK_BYTES) * BLOCK_BYTES;
    end = Math.min(Math.ceil(range.end / BLOCK_BYTES) * BLOCK_BYTES, sizeBytes);
    const last = pieces.at(-1);
    if (last !== undefined && last.offset + last.length >= start) last.length = end - last.offset;
    else pieces.push({ offset: start, length: end - start });
  }
  const [first] = pieces;
  if (first !== undefined && first.offset === 0 && first.length === sizeBytes) return undefined;
  // An empty piece at the end tells readers how long the file is.
  if (end < sizeBytes) pieces.push({ offset: sizeBytes, length: 0 });
  return pieces;
}

/** The map that stands before the data, in whole blocks. */
export function sparseMap(pieces: readonly Piece[]): Buffer {
  const lines = [pieces.length, ...pieces.flatMap(({ offset, length }) => [offset, length])];
  const text = Buffer.from(`${lines.join("\n")}\n`);
  return Buffer.concat([text, padding(text.length)]);
}
