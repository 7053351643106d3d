// A tar archive, pushed in chunks of any size and told as entries with their data. Nothing is kept beyond one header and its
// extensions, which are limited, so an archive cannot make it grow.
// @source Go archive/tar reader.go (which archives it takes)
import { BLOCK_BYTES, badHeader, type Header, isZeroBlock, numberField, parseHeader, TarError } from "./header.js";
import { mergePax, type PaxRecords, parsePax } from "./pax.js";
import { bodyPieces, checkPieces, GNU_SPARSE, gnuPieces, type Piece, paxSparse } from "./sparse.js";

export interface TarEntry extends Header {
  readonly pax: PaxRecords;
  /** Length of the file that it makes; its data may leave out zeros. */
  readonly fileBytes: number;
}

/** Told in order: entry, its data (never empty), end; then the next. */
export interface TarHandler {
  entry(entry: TarEntry): void;
  /** `offset` is the place in the file. */
  data(buffer: Buffer, start: number, end: number, offset: number): void;
  end(): void;
}

/** Of one header's extensions. */
const MAX_META_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;
const NO_RECORDS: PaxRecords = new Map();
/** Entries that have no data, whatever their size says. */
const BODILESS = new Set(["1", "2", "3", "4", "5", "6"]);

type State = "header" | "meta" | "gnu-map" | "body-map" | "body" | "ended";

export class TarReader {
  readonly #handler: TarHandler;
  readonly #block = Buffer.alloc(BLOCK_BYTES);
  #filled = 0;
  #state: State = "header";
  #sawZeroBlock = false;
  /** Bytes of the body that are still to come, and of the padding behind it. */
  #left = 0;
  #padding = 0;
  #offset = 0;
  #pieces: Piece[] = [];
  #piece = 0;
  #meta: Buffer[] = [];
  #metaType = "";
  #records: PaxRecords = NO_RECORDS;
  #longName: string | undefined;
  #longLink: string | undefined;
  #sparseText = "";
  #sparseLines = 0;
  #pending: { header: Header; records: PaxRecords; realSizeBytes: number } | undefined;

  constructor(handler: TarHandler) {
    this.#handler = handler;
  }

  /** @throws TarError, and what the handler throws. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && this.#state !== "ended") {
      if (this.#state === "body" || this.#state === "meta") at = this.#pushBody(chunk, at);
      else if (this.#padding > 0) at = this.#skipPadding(chunk, at);
      else at = this.#pushBlock(chunk, at);
    }
  }

  /** Nothing follows. @throws TarError when the archive is cut short; without its end marks it is whole all the same. */
  finish(): void {
    if (this.#state === "ended") return;
    if (this.#state !== "header" || this.#filled > 0) throw new TarError("unexpected EOF");
  }

  #skipPadding(chunk: Buffer, at: number): number {
    const taken = Math.min(this.#padding, chunk.length - at);
    this.#padding -= taken;
    return at + taken;
  }

  /** Gathers one block, without copying when the chunk has it whole. */
  #pushBlock(chunk: Buffer, at: number): number {
    if (this.#filled === 0 && chunk.length - at >= BLOCK_BYTES) {
      this.#takeBlock(chunk.subarray(at, at + BLOCK_BYTES));
      return at + BLOCK_BYTES;
    }
    const taken = chunk.copy(this.#block, this.#filled, at, Math.min(chunk.length, at + BLOCK_BYTES - this.#filled));
    this.#filled += taken;
    if (this.#filled === BLOCK_BYTES) {
      this.#filled = 0;
      this.#takeBlock(this.#block);
    }
    return at + taken;
  }

  #takeBlock(block: Buffer): void {
    if (this.#state === "gnu-map") this.#takeGnuMap(block);
    else if (this.#state === "body-map") this.#takeBodyMap(block);
    else this.#takeHeader(block);
  }

  #takeHeader(block: Buffer): void {
    // A real header never begins with a NUL and has a checksum.
    if (block[0] === 0 && isZeroBlock(block)) {
      if (this.#sawZeroBlock) this.#state = "ended";
      this.#sawZeroBlock = true;
      return;
    }
    if (this.#sawZeroBlock) throw badHeader("a zero block amid the archive");
    const header = parseHeader(block);
    if (header.type === "x" || header.type === "g" || header.type === "L" || header.type === "K") {
      this.#startMeta(header);
      return;
    }
    const records = this.#records;
    const merged = mergePax(header, records);
    const name = this.#longName ?? merged.name;
    const linkName = this.#longLink ?? merged.linkName;
    // Before there were types, a folder was what ended so.
    const type = header.type !== "\0" ? header.type : name.endsWith("/") ? "5" : "0";
    const named = { ...merged, name, linkName, type };
    this.#records = NO_RECORDS;
    this.#longName = undefined;
    this.#longLink = undefined;
    if (header.type === "S") this.#startGnuSparse(named, records, block);
    else this.#startEntry(named, records);
  }

  #startMeta({ type, sizeBytes }: Header): void {
    // What a global header says is for no entry alone, and layers make nothing of it: it may be as long as it likes.
    if (type !== "g" && sizeBytes > MAX_META_BYTES) throw new TarError("archive/tar: header field too long");
    this.#metaType = type;
    this.#meta = [];
    this.#left = sizeBytes;
    this.#padding = paddingOf(sizeBytes);
    this.#state = "meta";
    if (sizeBytes === 0) this.#endBody();
  }

  #endMeta(): void {
    const body = Buffer.concat(this.#meta);
    this.#meta = [];
    this.#state = "header";
    if (this.#metaType === "x") this.#records = parsePax(body);
    else if (this.#metaType === "L") this.#longName = untilNul(body);
    else if (this.#metaType === "K") this.#longLink = untilNul(body);
  }

  #startEntry(header: Header, records: PaxRecords): void {
    const sparse = header.type === "0" ? paxSparse(records) : undefined;
    if (sparse === undefined) {
      const size = BODILESS.has(header.type) ? 0 : header.sizeBytes;
      this.#begin(header, records, size, size, [{ offset: 0, length: size }]);
      return;
    }
    const named = { ...header, name: records.get("GNU.sparse.name") || header.name };
    if (sparse.kind === "map") {
      checkPieces(sparse.pieces, sparse.realSizeBytes, header.sizeBytes);
      this.#begin(named, records, header.sizeBytes, sparse.realSizeBytes, sparse.pieces);
      return;
    }
    this.#pending = { header: named, records, realSizeBytes: sparse.realSizeBytes };
    this.#sparseText = "";
    this.#sparseLines = 0;
    this.#state = "body-map";
  }

  #takeBodyMap(block: Buffer): void {
    const pending = this.#pending;
    if (pending === undefined) throw badHeader("a sparse map without a file");
    this.#sparseText += block.toString("latin1");
    if (this.#sparseText.length > Math.min(MAX_META_BYTES, pending.header.sizeBytes)) {
      throw badHeader("a sparse map is too long");
    }
    for (const byte of block) if (byte === NEWLINE) this.#sparseLines += 1;
    // Looked at only when it is whole, so that a long map does not cost the square of its length.
    if (this.#sparseLines <= Number.parseInt(this.#sparseText, 10) * 2) return;
    const pieces = bodyPieces(this.#sparseText);
    if (pieces === undefined) return;
    const bodyBytes = pending.header.sizeBytes - this.#sparseText.length;
    checkPieces(pieces, pending.realSizeBytes, bodyBytes);
    this.#pending = undefined;
    this.#begin(pending.header, pending.records, bodyBytes, pending.realSizeBytes, pieces);
  }

  #startGnuSparse(header: Header, records: PaxRecords, block: Buffer): void {
    const { start, count, isExtended, realSizeStart, realSizeEnd } = GNU_SPARSE.header;
    this.#pieces = gnuPieces(block, start, count);
    const realSizeBytes = numberField(block, realSizeStart, realSizeEnd);
    this.#pending = { header: { ...header, type: "0" }, records, realSizeBytes };
    if (block[isExtended] === 0) this.#endGnuMap();
    else this.#state = "gnu-map";
  }

  #takeGnuMap(block: Buffer): void {
    const { start, count, isExtended } = GNU_SPARSE.extension;
    this.#pieces.push(...gnuPieces(block, start, count));
    if (this.#pieces.length * 24 > MAX_META_BYTES) throw badHeader("a sparse map is too long");
    if (block[isExtended] === 0) this.#endGnuMap();
  }

  #endGnuMap(): void {
    const pending = this.#pending;
    if (pending === undefined) throw badHeader("a sparse map without a file");
    const { header, records, realSizeBytes } = pending;
    checkPieces(this.#pieces, realSizeBytes, header.sizeBytes);
    this.#pending = undefined;
    this.#begin(header, records, header.sizeBytes, realSizeBytes, this.#pieces);
  }

  #begin(header: Header, pax: PaxRecords, bodyBytes: number, fileBytes: number, pieces: readonly Piece[]): void {
    this.#handler.entry({ ...header, pax, fileBytes });
    this.#pieces = [...pieces];
    this.#piece = 0;
    this.#offset = 0;
    this.#left = bodyBytes;
    this.#padding = paddingOf(bodyBytes);
    this.#state = "body";
    if (bodyBytes === 0) this.#endBody();
  }

  #pushBody(chunk: Buffer, at: number): number {
    const taken = Math.min(this.#left, chunk.length - at);
    if (this.#state === "meta") {
      if (this.#metaType !== "g") this.#meta.push(Buffer.from(chunk.subarray(at, at + taken)));
    } else this.#tellData(chunk, at, at + taken);
    this.#left -= taken;
    if (this.#left === 0) this.#endBody();
    return at + taken;
  }

  /** Piece by piece: each has its own place in the file. */
  #tellData(chunk: Buffer, from: number, to: number): void {
    let at = from;
    while (at < to) {
      const piece = this.#pieces[this.#piece];
      if (piece === undefined) throw badHeader("a file has more data than it says");
      const taken = Math.min(piece.length - this.#offset, to - at);
      if (taken > 0) this.#handler.data(chunk, at, at + taken, piece.offset + this.#offset);
      this.#offset += taken;
      at += taken;
      if (this.#offset === piece.length) {
        this.#piece += 1;
        this.#offset = 0;
      }
    }
  }

  #endBody(): void {
    if (this.#state === "meta") {
      this.#endMeta();
      return;
    }
    this.#state = "header";
    this.#handler.end();
  }
}

function paddingOf(sizeBytes: number): number {
  return (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
}

function untilNul(body: Buffer): string {
  const nul = body.indexOf(0);
  return body.toString("latin1", 0, nul < 0 ? body.length : nul);
}
