// The frames of ttrpc: a header of ten bytes, big endian (length of the data, stream id, type, flags), then the data.
// @source containerd/ttrpc channel.go

export const HEADER_BYTES = 10;
/** The largest data a frame may carry; what is longer is skipped by the receiver and refused on its stream. */
export const MAX_DATA_BYTES = 4 << 20;

export const TYPE_REQUEST = 1;
export const TYPE_RESPONSE = 2;
export const TYPE_DATA = 3;

/** The sender of this frame sends nothing more on the stream. */
export const FLAG_REMOTE_CLOSED = 0x01;
/** The frame carries no message, not even an empty one. */
export const FLAG_NO_DATA = 0x04;

export interface Frame {
  readonly streamId: number;
  /** One of the TYPE constants, or one to be ignored. */
  readonly type: number;
  readonly flags: number;
  /** Empty when `oversizedBytes` is set. */
  readonly data: Buffer;
  /** The announced length of data that was too long and has been skipped. */
  readonly oversizedBytes?: number;
}

/** One frame, ready to be written. `data` must not exceed {@link MAX_DATA_BYTES}. */
export function encodeFrame(streamId: number, type: number, flags: number, data: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + data.length);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(streamId, 4);
  frame.writeUInt8(type, 8);
  frame.writeUInt8(flags, 9);
  frame.set(data, HEADER_BYTES);
  return frame;
}

/** The text both sides use for data that is too long. */
export function oversizedText(lengthBytes: number): string {
  return `message length ${lengthBytes} exceed maximum message size of ${MAX_DATA_BYTES}`;
}

const NO_DATA = Buffer.alloc(0);

/** Puts frames together from chunks that are cut anywhere. It never holds more than one frame's data. */
export class FrameDecoder {
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  /** Where data that spans chunks is collected. */
  #data: Buffer = NO_DATA;
  #dataBytes = 0;
  /** What is still to come of the current frame's data. */
  #missingBytes = 0;

  /** The frames that this chunk completes, in order. Their data may share memory with the chunk. */
  *push(chunk: Buffer): Generator<Frame> {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#headerBytes < HEADER_BYTES) {
        const copied = chunk.copy(this.#header, this.#headerBytes, offset, offset + HEADER_BYTES - this.#headerBytes);
        this.#headerBytes += copied;
        offset += copied;
        if (this.#headerBytes < HEADER_BYTES) return;
        this.#missingBytes = this.#lengthBytes;
        this.#dataBytes = 0;
      }
      const part = chunk.subarray(offset, offset + this.#missingBytes);
      offset += part.length;
      this.#missingBytes -= part.length;
      const frame = this.#take(part);
      if (frame !== undefined) yield frame;
    }
  }

  get #lengthBytes(): number {
    return this.#header.readUInt32BE(0);
  }

  /** Adds a part of the data; answers with the frame once it is whole. */
  #take(part: Buffer): Frame | undefined {
    const lengthBytes = this.#lengthBytes;
    const isOversized = lengthBytes > MAX_DATA_BYTES;
    const isWholeInChunk = part.length === lengthBytes;
    if (!isOversized && !isWholeInChunk) {
      if (this.#dataBytes === 0) this.#data = Buffer.allocUnsafe(lengthBytes);
      this.#dataBytes += part.copy(this.#data, this.#dataBytes);
    }
    if (this.#missingBytes > 0) return undefined;
    const head = {
      streamId: this.#header.readUInt32BE(4),
      type: this.#header.readUInt8(8),
      flags: this.#header.readUInt8(9),
    };
    this.#headerBytes = 0;
    if (isOversized) return { ...head, data: NO_DATA, oversizedBytes: lengthBytes };
    const data = isWholeInChunk ? part : this.#data;
    this.#data = NO_DATA;
    return { ...head, data };
  }
}
