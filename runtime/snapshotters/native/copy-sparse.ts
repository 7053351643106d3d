// Copying a file with holes, so that the copy has them too.
import type { BigIntStats } from "node:fs";
import { constants, copyFile, type FileHandle, open } from "node:fs/promises";
import { hasCode } from "../../sys/errno.js";
import { dataRangeFrom } from "../../sys/holes.js";

const BLOCK_BYTES = 512n;
const CHUNK_BYTES = 1024 * 1024;

/** Whether a file takes less room than it is long. */
export const isSparse = ({ blocks, size }: BigIntStats): boolean => blocks * BLOCK_BYTES < size;

async function copyRange(from: FileHandle, to: FileHandle, start: number, end: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - start));
  for (let position = start; position < end; ) {
    const { bytesRead } = await from.read(buffer, 0, Math.min(buffer.length, end - position), position);
    if (bytesRead === 0) return;
    await to.write(buffer, 0, bytesRead, position);
    position += bytesRead;
  }
}

/** Shares the blocks where that can be done, else copies what is data. */
export async function copySparse(source: Buffer, target: Buffer, size: bigint): Promise<void> {
  try {
    await copyFile(source, target, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    return;
  } catch (error) {
    if (!hasCode(error, "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EXDEV", "EINVAL", "ENOTTY")) throw error;
  }
  await using from = await open(source, "r");
  await using to = await open(target, "wx", 0o600);
  await to.truncate(Number(size));
  for (let position = 0; ; ) {
    const range = dataRangeFrom(from.fd, position);
    if (range === undefined) return;
    await copyRange(from, to, range.start, range.end);
    position = range.end;
  }
}
