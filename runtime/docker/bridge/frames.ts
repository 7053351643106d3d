// The stream of an engine without a terminal: frames of 8 bytes and their content, which come cut anywhere.
// @source docker/engine api (ContainerAttach: stream format)
import { errorOf } from "../../../api/core/errors.js";
import type { Piece } from "../../bridge/source.js";

const HEADER_BYTES = 8;
const LENGTH_AT = 4;
const KINDS = ["stdin", "stdout", "stderr", "system"] as const;

/** Takes frames apart without holding more than a header. One for each stream. */
export class FrameReader {
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  #kind: Piece["kind"] = "stdout";
  /** What is still to come of the frame's content. */
  #left = 0;

  /** Pieces lie in the memory of the chunk that they came in. @throws data_loss for what is no frame: the rest of the stream is of no use. */
  *read(chunk: Buffer): Generator<Piece> {
    for (let at = 0; at < chunk.length; ) {
      if (this.#left > 0) {
        const data = chunk.subarray(at, at + this.#left);
        this.#left -= data.length;
        at += data.length;
        yield { kind: this.#kind, data };
      } else {
        at += this.#readHeader(chunk, at);
      }
    }
  }

  #readHeader(chunk: Buffer, at: number): number {
    const length = chunk.copy(this.#header, this.#headerBytes, at);
    this.#headerBytes += length;
    if (this.#headerBytes < HEADER_BYTES) return length;
    this.#headerBytes = 0;
    const kind = KINDS[this.#header.readUInt8(0)];
    if (kind === undefined || this.#header.readUIntBE(1, LENGTH_AT - 1) !== 0) {
      throw errorOf("data_loss", `docker engine: ${this.#header.toString("hex")} is no header of a frame`);
    }
    this.#kind = kind;
    this.#left = this.#header.readUInt32BE(LENGTH_AT);
    return length;
  }
}
