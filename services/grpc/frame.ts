// Replies on their way into grpc-js. It asks its serializer for a buffer, makes a frame of that buffer's length and lets the buffer
// copy itself in, behind the prefix of five bytes. A Frame stands in for the buffer: it copies the pieces of a message straight
// to their place, and may bring further messages, each with a prefix of its own, so that many small ones cost one write.
import type { Encoded } from "../../api/core/encoded.js";

const PREFIX_BYTES = 5;
/** What messages are put together up to. grpc-js lets 16 writes wait for a slow reader, so this bounds what one costs. */
const FRAME_BYTES = 32 * 1024;

export class Frame {
  readonly #messages: readonly Encoded<unknown>[];
  /** Length behind the first prefix, as a Buffer has it. */
  readonly byteLength: number;

  constructor(messages: readonly Encoded<unknown>[]) {
    this.#messages = messages;
    let byteLength = -PREFIX_BYTES;
    for (const { sizeBytes } of messages) byteLength += PREFIX_BYTES + sizeBytes;
    this.byteLength = byteLength;
  }

  /** What Buffer's `copy` does for grpc-js; `start` lies behind the prefix, which is written again for the first message. */
  copy(target: Buffer, start: number): number {
    let at = start - PREFIX_BYTES;
    for (const { pieces, sizeBytes } of this.#messages) {
      at = target.writeUInt32BE(sizeBytes, target.writeUInt8(0, at));
      for (const piece of pieces) {
        target.set(piece, at);
        at += piece.length;
      }
    }
    return this.byteLength;
  }
}

/** Puts messages together: as many as fit, at least one a frame. */
export function* framesOf(messages: readonly Encoded<unknown>[]): Generator<Frame> {
  let begin = 0;
  let sizeBytes = 0;
  for (const [index, message] of messages.entries()) {
    const messageBytes = PREFIX_BYTES + message.sizeBytes;
    if (index > begin && sizeBytes + messageBytes > FRAME_BYTES) {
      yield new Frame(messages.slice(begin, index));
      begin = index;
      sizeBytes = 0;
    }
    sizeBytes += messageBytes;
  }
  if (begin < messages.length) yield new Frame(messages.slice(begin));
}
