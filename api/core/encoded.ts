// Replies that are bytes already: what the store keeps as it will be sent travels without being decoded and encoded again.

/** An encoded message of type T. Handlers may return it wherever T is asked for; adapters pass the bytes through. */
export class Encoded<T> {
  readonly bytes: Uint8Array;
  /** Ties the bytes to their message type; never set. */
  declare readonly message?: T;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
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

/** One length-delimited field: its tag, the length, the bytes. `fieldNumber` is 1 to 15. */
export function encodeField(fieldNumber: number, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([encodeFieldHeader(fieldNumber, bytes.length), bytes]);
}
