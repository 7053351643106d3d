// Archives, written: headers byte for byte as Go writes them, so that an image's archive is the same whoever makes it.
// @source Go archive/tar (writeUSTARHeader)

const BLOCK_BYTES = 512;
/** The largest size that eleven octal digits hold; beyond it the number is written in binary, as GNU does. */
const MAX_OCTAL_SIZE = 8 ** 11 - 1;

export interface TarEntry {
  /** Up to 100 bytes; folders end with a slash. */
  readonly name: string;
  readonly mode: number;
  /** Default: 0. */
  readonly sizeBytes?: number;
}

/** The header of a file or folder that belongs to nobody and is of 1970. */
export function tarHeader({ name, mode, sizeBytes = 0 }: TarEntry): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const put = (offset: number, text: string): number => block.write(text, offset, "latin1");
  const octal = (offset: number, digits: number, value: number): number =>
    put(offset, value.toString(8).padStart(digits, "0"));
  if (Buffer.byteLength(name) > 100) throw new RangeError(`the name "${name}" is too long for an archive`);
  block.write(name, 0);
  octal(100, 7, mode);
  octal(108, 7, 0);
  octal(116, 7, 0);
  if (sizeBytes <= MAX_OCTAL_SIZE) octal(124, 11, sizeBytes);
  else block.writeBigUInt64BE(BigInt(sizeBytes), block.writeUInt8(0x80, 124) + 3);
  octal(136, 11, 0);
  put(148, " ".repeat(8));
  put(156, name.endsWith("/") ? "5" : "0");
  put(257, "ustar\x0000");
  octal(329, 7, 0);
  octal(337, 7, 0);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}

/** What follows a file of that size, up to the next header. */
export function tarPadding(sizeBytes: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** What ends an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK_BYTES);
