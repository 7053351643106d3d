// An archive told anew with other names or owners, entry by entry, for those who take archives only as they are.
import { XATTR_PREFIX } from "../../core/tar/pax.js";
import { type TarEntry, type TarHandler, TarReader } from "../../core/tar/reader.js";
import { encodeHeader, endMarks, type NewEntry, padding } from "../../core/tar/writer.js";
import type { Bytes } from "./ends.js";

const NANOS = 1_000_000_000n;
const ZEROS = Buffer.alloc(256 * 1024);

export type EntryChange = Partial<Pick<TarEntry, "name" | "linkName" | "mode" | "uid" | "gid">>;

/** Holes are written as zeros. @throws TarError. */
export async function* rewriteArchive(bytes: Bytes, change: (entry: TarEntry) => EntryChange): AsyncGenerator<Buffer> {
  const rewriter = new Rewriter(change);
  const reader = new TarReader(rewriter);
  for await (const chunk of bytes) {
    reader.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    yield* rewriter.taken();
  }
  reader.finish();
  yield* rewriter.taken();
  yield endMarks();
}

class Rewriter implements TarHandler {
  readonly #change: (entry: TarEntry) => EntryChange;
  /** Bytes, or how many zeros. */
  #parts: (Buffer | number)[] = [];
  #writtenTo = 0;
  #fileBytes = 0;

  constructor(change: (entry: TarEntry) => EntryChange) {
    this.#change = change;
  }

  entry(entry: TarEntry): void {
    this.#writtenTo = 0;
    this.#fileBytes = entry.type === "0" ? entry.fileBytes : 0;
    this.#parts.push(encodeHeader(newEntry({ ...entry, ...this.#change(entry) }, this.#fileBytes)));
  }

  data(buffer: Buffer, start: number, end: number, offset: number): void {
    // The reader's buffer is its caller's again once it has been pushed.
    this.#parts.push(offset - this.#writtenTo, Buffer.from(buffer.subarray(start, end)));
    this.#writtenTo = offset + end - start;
  }

  end(): void {
    const left = this.#fileBytes - this.#writtenTo;
    this.#parts.push(left, padding(this.#fileBytes));
  }

  *taken(): Generator<Buffer> {
    const parts = this.#parts;
    this.#parts = [];
    for (const part of parts) {
      if (typeof part !== "number") yield part;
      else for (let left = part; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
    }
  }
}

function newEntry(entry: TarEntry, sizeBytes: number): NewEntry {
  const { name, type, linkName, mode, uid, gid, modifiedNs, major, minor } = entry;
  const nanos = ((modifiedNs % NANOS) + NANOS) % NANOS;
  const modifiedSeconds = (modifiedNs - nanos) / NANOS;
  const records = [...entry.pax].filter(([key]) => key.startsWith(XATTR_PREFIX));
  if (nanos !== 0n && modifiedSeconds >= 0n) {
    records.push(["mtime", `${modifiedSeconds}.${String(nanos).padStart(9, "0")}`]);
  }
  return {
    ...{ name, type, linkName, mode, uid, gid, sizeBytes, modifiedSeconds, major, minor },
    records: Object.fromEntries(records),
  };
}
