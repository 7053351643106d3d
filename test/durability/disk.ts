// A disk that loses its power: what a traced process wrote is put together as it would be found afterwards. What a completed sync
// covers is there. Of everything written since, any part may be.
import type { Random } from "../helpers/random.js";
import type { Syscall } from "./strace.js";
import { SYNCS, WRITE } from "./wal.js";

/** A disk writes a sector whole or not at all. */
const SECTOR_BYTES = 512;
const TRUNCATE = "ftruncate";

/** What becomes of the writes that no sync has covered. */
export type Loss = "all lost" | "cut" | "scattered" | "none lost";
export const LOSSES: readonly Loss[] = ["all lost", "cut", "scattered", "none lost"];

/** A file's contents, changed in place. */
class Contents {
  #bytes: Buffer;
  #size: number;

  constructor(before: Buffer) {
    this.#bytes = Buffer.from(before);
    this.#size = before.length;
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#size);
  }

  write(offset: number, data: Buffer): void {
    const end = offset + data.length;
    if (end > this.#bytes.length) {
      this.#bytes = Buffer.concat([
        this.#bytes,
        Buffer.alloc(Math.max(end, 2 * this.#bytes.length) - this.#bytes.length),
      ]);
    }
    data.copy(this.#bytes, offset);
    this.#size = Math.max(this.#size, end);
  }

  truncate(size: number): void {
    this.#bytes.fill(0, size);
    this.#size = Math.min(this.#size, size);
  }

  /** A write or a truncation as the process asked for it. */
  apply({ name, data, numbers }: Syscall): void {
    const last = numbers.at(-1) ?? 0;
    if (name === TRUNCATE) this.truncate(last);
    else this.write(last, data);
  }
}

/** The contents of a file after its power failed at `position`, from what it held when the trace began. */
export function afterPowerLoss(
  before: Buffer,
  syscalls: readonly Syscall[],
  path: string,
  position: number,
  loss: Loss,
  random: Random,
): Buffer {
  const contents = new Contents(before);
  let pending: Syscall[] = [];
  for (const call of syscalls) {
    if (call.begin > position) break;
    if (call.target !== path) continue;
    if (call.name === WRITE || call.name === TRUNCATE) pending.push(call);
    if (!SYNCS.has(call.name) || call.end > position || call.result !== 0) continue;
    for (const write of pending) if (write.end < call.begin) contents.apply(write);
    pending = pending.filter((write) => write.end >= call.begin);
  }
  if (loss === "none lost") for (const write of pending) contents.apply(write);
  if (loss === "cut") cut(contents, pending, random);
  if (loss === "scattered") scatter(contents, pending, random);
  return contents.bytes;
}

/** In order up to some byte, and nothing behind it. */
function cut(contents: Contents, pending: readonly Syscall[], random: Random): void {
  const total = pending.reduce((sum, { data }) => sum + data.length, 0);
  let left = random.between(0, total + 1);
  for (const write of pending) {
    if (left <= 0) return;
    contents.apply({ ...write, data: write.data.subarray(0, left) });
    left -= write.data.length;
  }
}

/** Any sectors of any writes. */
function scatter(contents: Contents, pending: readonly Syscall[], random: Random): void {
  const share = random.next();
  for (const write of pending) {
    if (write.name === TRUNCATE) {
      if (random.next() < share) contents.apply(write);
      continue;
    }
    const offset = write.numbers.at(-1) ?? 0;
    for (let from = 0; from < write.data.length; ) {
      const to = Math.min(write.data.length, from + SECTOR_BYTES - ((offset + from) % SECTOR_BYTES));
      if (random.next() < share) contents.write(offset + from, write.data.subarray(from, to));
      from = to;
    }
  }
}
