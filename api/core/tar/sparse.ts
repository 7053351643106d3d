// Sparse files: where the pieces of one lie. Four forms: GNU's own headers, and three generations of PAX records.
// @source GNU tar manual, "Storing Sparse Files"
import { BLOCK_BYTES, badHeader, numberField } from "./header.js";
import { type PaxRecords, SPARSE_MAP } from "./pax.js";

/** A piece with data; all else reads as zeros. */
export interface Piece {
  readonly offset: number;
  readonly length: number;
}

/** A map that is told within the body, in decimal lines, before the data. */
export type SparseForm =
  | { readonly kind: "map"; readonly realSizeBytes: number; readonly pieces: readonly Piece[] }
  | { readonly kind: "in-body"; readonly realSizeBytes: number };

function decimal(text: string | undefined): number {
  const value = text !== undefined && /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw badHeader("a sparse map is malformed");
  return value;
}

/** @throws TarError unless the pieces are in order, within the file, and as long together as the body. */
export function checkPieces(pieces: readonly Piece[], realSizeBytes: number, bodyBytes: number): void {
  let end = 0;
  let total = 0;
  for (const { offset, length } of pieces) {
    if (offset < end || offset + length > realSizeBytes) throw badHeader("a sparse map does not fit its file");
    end = offset + length;
    total += length;
  }
  if (total !== bodyBytes) throw badHeader("a sparse map does not fit its data");
}

function pairs(numbers: readonly string[]): Piece[] {
  if (numbers.length % 2 !== 0) throw badHeader("a sparse map is malformed");
  const pieces: Piece[] = [];
  for (let index = 0; index < numbers.length; index += 2) {
    pieces.push({ offset: decimal(numbers[index]), length: decimal(numbers[index + 1]) });
  }
  return pieces;
}

/** What PAX records say of a sparse file; undefined when it is none. @throws TarError */
export function paxSparse(records: PaxRecords): SparseForm | undefined {
  const size = records.get("GNU.sparse.realsize") ?? records.get("GNU.sparse.size");
  const map = records.get(SPARSE_MAP);
  if (records.get("GNU.sparse.major") === "1" && records.get("GNU.sparse.minor") === "0") {
    return { kind: "in-body", realSizeBytes: decimal(size) };
  }
  if (map === undefined) return undefined;
  return { kind: "map", realSizeBytes: decimal(size), pieces: map === "" ? [] : pairs(map.split(",")) };
}

/** The map at the front of a body; undefined while `text`, some whole blocks, does not hold all of it. @throws TarError */
export function bodyPieces(text: string): Piece[] | undefined {
  const lines = text.split("\n");
  // What follows the last newline is either unfinished or padding.
  lines.pop();
  const [first, ...numbers] = lines;
  if (first === undefined) {
    if (text.length >= BLOCK_BYTES) throw badHeader("a sparse map is malformed");
    return undefined;
  }
  const count = decimal(first) * 2;
  return numbers.length < count ? undefined : pairs(numbers.slice(0, count));
}

/** Some entries of GNU's own map, as it lies in a header or in the blocks that follow. */
export function gnuPieces(block: Buffer, start: number, count: number): Piece[] {
  const pieces: Piece[] = [];
  for (let index = 0; index < count; index += 1) {
    const at = start + index * 24;
    if (block[at] === 0) break;
    pieces.push({ offset: numberField(block, at, at + 12), length: numberField(block, at + 12, at + 24) });
  }
  return pieces;
}

/** Places in GNU's own sparse header and in the blocks that go on with it. */
export const GNU_SPARSE = {
  header: { start: 386, count: 4, isExtended: 482, realSizeStart: 483, realSizeEnd: 495 },
  extension: { start: 0, count: 21, isExtended: 504 },
} as const;
