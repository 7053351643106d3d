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

/** One length-delimited field: its tag, the length, the bytes. `fieldNumber` is 1 to 15. */
export function encodeField(fieldNumber: number, bytes: Uint8Array): Uint8Array {
  const header = [(fieldNumber << 3) | 2];
  let length = bytes.length;
  while (length > 0x7f) {
    header.push((length & 0x7f) | 0x80);
    length >>>= 7;
  }
  header.push(length);
  const out = Buffer.allocUnsafe(header.length + bytes.length);
  out.set(header, 0);
  out.set(bytes, header.length);
  return out;
}
