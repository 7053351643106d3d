// Packets of SFTP version 3, which LXD speaks about the files of an instance: a length, a type, and fields that follow one another.
// @source draft-ietf-secsh-filexfer-02

export const PACKET = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  setstat: 9,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  stat: 17,
  readlink: 19,
  symlink: 20,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attributes: 105,
  extended: 200,
} as const;

export const SFTP_STATUS = { ok: 0, end: 1, noSuchFile: 2, permissionDenied: 3 } as const;
export const OPEN_FLAG = { read: 0x01, write: 0x02, create: 0x08, truncate: 0x10, exclusive: 0x20 } as const;

const ATTRIBUTE = { size: 0x1, owner: 0x2, mode: 0x4, times: 0x8, extended: 0x8000_0000 } as const;
/** Of a packet; the other side sends 32 KiB of data in one. */
const MAX_PACKET_BYTES = 1_048_576;

export interface SftpAttributes {
  readonly sizeBytes: number;
  readonly uid: number;
  readonly gid: number;
  /** With the bits that tell the kind of file. */
  readonly mode: number;
}

/** The fields of a packet that is made. */
export class PacketWriter {
  readonly #parts: Buffer[] = [];

  byte(value: number): this {
    this.#parts.push(Buffer.of(value));
    return this;
  }

  number(value: number): this {
    const part = Buffer.alloc(4);
    part.writeUInt32BE(value);
    this.#parts.push(part);
    return this;
  }

  offset(value: number): this {
    const part = Buffer.alloc(8);
    part.writeBigUInt64BE(BigInt(value));
    this.#parts.push(part);
    return this;
  }

  text(value: string | Uint8Array): this {
    const bytes = Buffer.from(value);
    this.number(bytes.length);
    this.#parts.push(bytes);
    return this;
  }

  attributes({ uid, gid, mode }: Partial<SftpAttributes>): this {
    const hasOwner = uid !== undefined && gid !== undefined;
    this.number((hasOwner ? ATTRIBUTE.owner : 0) | (mode === undefined ? 0 : ATTRIBUTE.mode));
    if (hasOwner) this.number(uid).number(gid);
    if (mode !== undefined) this.number(mode);
    return this;
  }

  /** With its length in front. */
  finish(): Buffer {
    const body = Buffer.concat(this.#parts);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    return Buffer.concat([length, body]);
  }
}

/** The fields of a packet that came. Each throws a RangeError where the packet ends too early. */
export class PacketReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#advance(1));
  }

  number(): number {
    return this.#bytes.readUInt32BE(this.#advance(4));
  }

  bytes(): Buffer {
    const length = this.number();
    if (length > this.#bytes.length - this.#at) throw new RangeError("a packet ends within a field");
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  text(): string {
    return this.bytes().toString("utf8");
  }

  attributes(): SftpAttributes {
    const flags = this.number();
    const has = (flag: number): boolean => (flags & flag) !== 0;
    const sizeBytes = has(ATTRIBUTE.size) ? Number(this.#bytes.readBigUInt64BE(this.#advance(8))) : 0;
    const [uid, gid] = has(ATTRIBUTE.owner) ? [this.number(), this.number()] : [0, 0];
    const mode = has(ATTRIBUTE.mode) ? this.number() : 0;
    if (has(ATTRIBUTE.times)) this.#advance(8);
    if (has(ATTRIBUTE.extended)) for (let left = 2 * this.number(); left > 0; left--) this.bytes();
    return { sizeBytes, uid, gid, mode };
  }

  #advance(count: number): number {
    const start = this.#at;
    this.#at += count;
    return start;
  }
}

/** Cuts a stream of bytes into packets, without their lengths. */
export class PacketSplitter {
  #rest: Buffer = Buffer.alloc(0);

  /** @throws RangeError for a packet of a size that nobody sends. */
  push(chunk: Buffer): Buffer[] {
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const packets: Buffer[] = [];
    while (rest.length >= 4) {
      const length = rest.readUInt32BE(0);
      if (length > MAX_PACKET_BYTES) throw new RangeError(`a packet of ${length} bytes`);
      if (rest.length < 4 + length) break;
      packets.push(rest.subarray(4, 4 + length));
      rest = rest.subarray(4 + length);
    }
    this.#rest = rest;
    return packets;
  }
}
