// Frames of the WebSocket protocol as a client speaks it: what it sends is masked, what it reads is not.
// @source RFC 6455 section 5.2
import { randomBytes } from "node:crypto";
import { ContainerdError } from "../../api/core/errors.js";

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Frame {
  readonly opcode: number;
  readonly isLast: boolean;
  readonly data: Buffer;
}

const SHORT = 126;
const LONG = 127;
const MASKED = 0x80;
const LAST = 0x80;

/** One whole message, or a control frame. */
export function encodeFrame(opcode: number, data: Uint8Array): Buffer {
  const size = data.length;
  const extra = size < SHORT ? 0 : size < 0x10000 ? 2 : 8;
  const frame = Buffer.allocUnsafe(2 + extra + 4 + size);
  frame[0] = LAST | opcode;
  frame[1] = MASKED | (extra === 0 ? size : extra === 2 ? SHORT : LONG);
  if (extra === 2) frame.writeUInt16BE(size, 2);
  if (extra === 8) frame.writeBigUInt64BE(BigInt(size), 2);
  const mask = randomBytes(4);
  mask.copy(frame, 2 + extra);
  const start = 6 + extra;
  for (let index = 0; index < size; index += 1) {
    frame[start + index] = (data[index] ?? 0) ^ (mask[index % 4] ?? 0);
  }
  return frame;
}

/** Cuts what arrives in any pieces into frames. */
export class FrameReader {
  readonly #maxBytes: number;
  #rest: Buffer = Buffer.alloc(0);

  /** @param maxBytes the largest frame that is read. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The frames that are whole now. @throws data_loss for a frame that is too large or that no server may send. */
  *push(chunk: Buffer): Generator<Frame> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) yield frame;
  }

  #next(): Frame | undefined {
    const rest = this.#rest;
    const [first, second] = rest;
    if (first === undefined || second === undefined) return undefined;
    const length = second & ~MASKED;
    const start = length === SHORT ? 4 : length === LONG ? 10 : 2;
    if (rest.length < start) return undefined;
    const size = start === 4 ? rest.readUInt16BE(2) : start === 10 ? Number(rest.readBigUInt64BE(2)) : length;
    if ((second & MASKED) !== 0 || size > this.#maxBytes) {
      throw new ContainerdError("data_loss", `lxd: a websocket frame of ${size} bytes cannot be read: data loss`);
    }
    if (rest.length < start + size) return undefined;
    this.#rest = rest.subarray(start + size);
    return { opcode: first & 0x0f, isLast: (first & LAST) !== 0, data: rest.subarray(start, start + size) };
  }
}
