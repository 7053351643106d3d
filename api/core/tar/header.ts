// One 512-byte header of a tar archive: V7, ustar, GNU and star forms. Names are byte strings (one character a byte), since
// archives hold names that are not UTF-8.
// @source POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format"; Go archive/tar (what it refuses)

export const BLOCK_BYTES = 512;

/** The type of an entry as its byte says it. */
export type TypeFlag = string;

export interface Header {
  readonly type: TypeFlag;
  readonly name: string;
  readonly linkName: string;
  /** Permissions, set-id and sticky bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly modifiedNs: bigint;
  /** Undefined: not told. */
  readonly accessedNs: bigint | undefined;
  readonly major: number;
  readonly minor: number;
}

/** What an archive got wrong; the message is what callers see. */
export class TarError extends Error {
  override readonly name = "TarError";
}

export const badHeader = (why: string): TarError => new TarError(`archive/tar: invalid tar header: ${why}`);

const NANOS = 1_000_000_000n;
const SPACE = 0x20;
const BASE_256 = 0x80;
const CHECKSUM = { start: 148, end: 156 };

/** Up to the first NUL. */
export function textField(block: Buffer, start: number, end: number): string {
  const nul = block.indexOf(0, start);
  return block.toString("latin1", start, nul < 0 || nul > end ? end : nul);
}

const isPadding = (byte: number | undefined): boolean => byte === SPACE || byte === 0;

function octal(block: Buffer, start: number, end: number): number {
  let from = start;
  let to = end;
  while (from < to && isPadding(block[from])) from += 1;
  while (to > from && isPadding(block[to - 1])) to -= 1;
  let value = 0;
  for (let index = from; index < to; index += 1) {
    const byte = block[index] ?? 0;
    // Old archives end a number early with a NUL and leave anything behind it.
    if (byte === 0) break;
    if (byte < 0x30 || byte > 0x37) throw badHeader("a number is not octal");
    value = value * 8 + (byte - 0x30);
  }
  return value;
}

/** Two's complement, most significant byte first; the topmost bit says that it is one. */
function base256(block: Buffer, start: number, end: number): bigint {
  const isNegative = ((block[start] ?? 0) & 0x40) !== 0;
  let value = 0n;
  for (let index = start; index < end; index += 1) {
    const byte = BigInt(block[index] ?? 0);
    value = (value << 8n) | (index === start ? byte & 0x7fn : byte);
  }
  return isNegative ? value - (1n << BigInt((end - start) * 8 - 1)) : value;
}

/** @throws TarError for one that no double holds exactly. */
export function numberField(block: Buffer, start: number, end: number): number {
  const value = ((block[start] ?? 0) & BASE_256) === 0 ? octal(block, start, end) : Number(base256(block, start, end));
  if (!Number.isSafeInteger(value)) throw badHeader("a number is too large");
  return value;
}

export function isZeroBlock(block: Buffer): boolean {
  for (const byte of block) if (byte !== 0) return false;
  return true;
}

/** Some writers summed up signed bytes; both sums count. */
function checksumFits(block: Buffer): boolean {
  let unsigned = 0;
  let signed = 0;
  for (let index = 0; index < BLOCK_BYTES; index += 1) {
    const byte = index >= CHECKSUM.start && index < CHECKSUM.end ? SPACE : (block[index] ?? 0);
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  const told = octal(block, CHECKSUM.start, CHECKSUM.end);
  return told === unsigned || told === signed;
}

function prefix(block: Buffer): string {
  const magic = block.toString("latin1", 257, 265);
  if (magic !== "ustar\x0000") return "";
  const isStar = block.toString("latin1", 508, 512) === "tar\0";
  return textField(block, 345, isStar ? 476 : 500);
}

/** The block must not be zero. @throws TarError for anything that is no header. */
export function parseHeader(block: Buffer): Header {
  if (!checksumFits(block)) throw badHeader("its checksum does not fit");
  const folder = prefix(block);
  const ownName = textField(block, 0, 100);
  const name = folder === "" ? ownName : `${folder}/${ownName}`;
  const sizeBytes = numberField(block, 124, 136);
  if (sizeBytes < 0) throw badHeader("a size is negative");
  const hasDevice = block.toString("latin1", 257, 262) === "ustar";
  return {
    type: block.toString("latin1", 156, 157),
    name,
    linkName: textField(block, 157, 257),
    mode: numberField(block, 100, 108),
    uid: numberField(block, 108, 116),
    gid: numberField(block, 116, 124),
    sizeBytes,
    modifiedNs: BigInt(numberField(block, 136, 148)) * NANOS,
    accessedNs: undefined,
    major: hasDevice ? numberField(block, 329, 337) : 0,
    minor: hasDevice ? numberField(block, 337, 345) : 0,
  };
}
