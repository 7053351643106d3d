// What a console has shown, from two sources: the connection, which has it decorated and only from its beginning on, and LXC's own record,
// which has the last of it as it was.

/** How many carriage returns are put before each line feed on the way to us, one by each terminal. */
const ADDED = 2;
const [RETURN, FEED] = [13, 10];
/** By that much the place in a record is found again. */
const TAIL_BYTES = 4096;

/** Takes off what was added. One for each connection; what it holds back at the end is part of the record. */
export class Undecorated {
  /** Carriage returns that may have been added: none or the last ones that came. */
  #held = 0;

  take(shown: Buffer): Buffer {
    const out = Buffer.allocUnsafe(this.#held + shown.length);
    let length = 0;
    const put = (byte: number, times = 1): void => {
      out.fill(byte, length, length + times);
      length += times;
    };
    for (const byte of shown) {
      if (byte === RETURN) {
        if (this.#held === ADDED) put(RETURN);
        else this.#held += 1;
        continue;
      }
      if (byte !== FEED) put(RETURN, this.#held);
      this.#held = 0;
      put(byte);
    }
    return out.subarray(0, length);
  }
}

/** What the connection has brought since the record was read last: LXC empties it then, so it begins with that. */
export class SinceRecord {
  #tail: Buffer = Buffer.alloc(0);
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  add(data: Buffer): void {
    this.#tail = Buffer.from(Buffer.concat([this.#tail, data.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES));
    this.#bytes += data.length;
  }

  /** What of a record the connection has not brought; all of it when the record has gone on by more than it holds. */
  take(record: Buffer): Buffer {
    const [tail, place] = [this.#tail, this.#bytes];
    this.clear();
    if (record.subarray(place - tail.length, place).equals(tail)) return record.subarray(place);
    // It has lost its beginning.
    const at = record.lastIndexOf(tail);
    return at < 0 ? record : record.subarray(at + tail.length);
  }

  /** The record begins anew. */
  clear(): void {
    this.#tail = Buffer.alloc(0);
    this.#bytes = 0;
  }
}

/** How many bytes at the end of `earlier` are those at the beginning of `later`: the most that can be. */
export function overlap(earlier: Buffer, later: Buffer): number {
  for (let length = Math.min(earlier.length, later.length); length > 0; length -= 1) {
    if (earlier.subarray(-length).equals(later.subarray(0, length))) return length;
  }
  return 0;
}
