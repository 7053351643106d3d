// Replies that are bytes already: what the store keeps as it will be sent travels without being decoded and encoded again.

/**
 * An encoded message of type T, in one piece or in several that follow each other. Handlers may return it wherever T is asked
 * for; adapters pass the bytes through, and join the pieces where they copy them anyway.
 */
export class Encoded<T> {
  readonly pieces: readonly Uint8Array[];
  readonly sizeBytes: number;
  /** Ties the bytes to their message type; never set. */
  declare readonly message?: T;

  constructor(bytes: Uint8Array | readonly Uint8Array[]) {
    this.pieces = bytes instanceof Uint8Array ? [bytes] : bytes;
    let sizeBytes = 0;
    for (const { length } of this.pieces) sizeBytes += length;
    this.sizeBytes = sizeBytes;
  }

  /** The message in one piece. */
  get bytes(): Uint8Array {
    const [first] = this.pieces;
    return first !== undefined && this.pieces.length === 1 ? first : Buffer.concat(this.pieces, this.sizeBytes);
  }
}

/** Messages of a stream that are ready at once; adapters may send several of them together. */
export class EncodedBatch<T> {
  readonly messages: readonly Encoded<T>[];

  constructor(messages: readonly Encoded<T>[]) {
    this.messages = messages;
  }
}

/** What stands before the bytes of a length-delimited field: its tag and their length. `fieldNumber` is 1 to 15. */
export function encodeFieldHeader(fieldNumber: number, sizeBytes: number): Uint8Array {
  const header = [(fieldNumber << 3) | 2];
  let length = sizeBytes;
  while (length > 0x7f) {
    header.push((length & 0x7f) | 0x80);
    length >>>= 7;
  }
  header.push(length);
  return Uint8Array.from(header);
}

/** One length-delimited field, as pieces: its tag and length, then the bytes. `fieldNumber` is 1 to 15. */
export const encodeField = (fieldNumber: number, bytes: Uint8Array): readonly Uint8Array[] => [
  encodeFieldHeader(fieldNumber, bytes.length),
  bytes,
];
