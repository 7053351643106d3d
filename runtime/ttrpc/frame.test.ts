// Frames, however the stream is cut.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  encodeFrame,
  type Frame,
  FrameDecoder,
  HEADER_BYTES,
  MAX_DATA_BYTES,
  oversizedText,
  TYPE_REQUEST,
} from "./frame.js";

const decodeAll = (chunks: readonly Buffer[]): Frame[] => {
  const decoder = new FrameDecoder();
  return chunks.flatMap((chunk) => [...decoder.push(chunk)]);
};

/** Cuts the bytes at these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [
    0,
    ...places.map((place) => place % (bytes.length + 1)).sort((left, right) => left - right),
    bytes.length,
  ];
  return sorted.slice(1).map((end, index) => Buffer.from(bytes.subarray(sorted[index], end)));
}

const plainFrame = fc.record({
  streamId: fc.integer({ min: 0, max: 0xffff_ffff }),
  type: fc.integer({ min: 0, max: 255 }),
  flags: fc.integer({ min: 0, max: 255 }),
  data: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
});

test("a frame looks as the wire wants it", () => {
  expect(encodeFrame(0x11, 2, 0, Buffer.alloc(0)).toString("hex")).toBe("00000000000000110200");
  expect(encodeFrame(1, 1, 3, Buffer.from("ab")).toString("hex")).toBe("000000020000000101036162");
});

test("frames come out as they went in, cut anywhere", () => {
  fc.assert(
    fc.property(fc.array(plainFrame, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 40 }), (frames, places) => {
      const bytes = Buffer.concat(
        frames.map(({ streamId, type, flags, data }) => encodeFrame(streamId, type, flags, data)),
      );
      expect(decodeAll(cut(bytes, places))).toEqual(frames);
    }),
    { numRuns: 500 },
  );
});

test("byte by byte", () => {
  const bytes = Buffer.concat([encodeFrame(1, 1, 0, Buffer.from("one")), encodeFrame(3, 2, 1, Buffer.alloc(0))]);
  expect(decodeAll([...bytes].map((byte) => Buffer.of(byte)))).toEqual([
    { streamId: 1, type: 1, flags: 0, data: Buffer.from("one") },
    { streamId: 3, type: 2, flags: 1, data: Buffer.alloc(0) },
  ]);
});

describe("length", () => {
  test.each([0, 1, MAX_DATA_BYTES - 1, MAX_DATA_BYTES])("%d bytes are taken", (length) => {
    const [frame] = decodeAll(cut(encodeFrame(1, 1, 0, Buffer.alloc(length, 7)), [5, 70_000, 1_000_000]));
    expect(frame?.data.length).toBe(length);
    expect(frame?.data.equals(Buffer.alloc(length, 7))).toBe(true);
  });

  test("what is too long is skipped and named; the next frame is read", () => {
    const length = MAX_DATA_BYTES + 1;
    const bytes = Buffer.concat([
      encodeFrame(5, TYPE_REQUEST, 0, Buffer.alloc(length)),
      encodeFrame(7, 2, 0, Buffer.from("x")),
    ]);
    for (const chunks of [
      [bytes],
      cut(bytes, [3, 12, 65_536, length - 3, length + HEADER_BYTES, length + HEADER_BYTES + 4]),
    ]) {
      expect(decodeAll(chunks)).toEqual([
        { streamId: 5, type: TYPE_REQUEST, flags: 0, data: Buffer.alloc(0), oversizedBytes: length },
        { streamId: 7, type: 2, flags: 0, data: Buffer.from("x") },
      ]);
    }
    expect(oversizedText(length)).toBe("message length 4194305 exceed maximum message size of 4194304");
  });

  test("four announced gigabytes are never held", () => {
    const header = encodeFrame(1, 1, 0, Buffer.alloc(0));
    header.writeUInt32BE(0xffff_ffff, 0);
    expect(decodeAll([header, ...Array.from({ length: 100 }, () => Buffer.alloc(65_536))])).toEqual([]);
  });
});
