import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeFrame, type Frame, FrameReader, OPCODE } from "./frames.js";

/** As a server sends it: without the mask. */
function fromServer(frame: Buffer): Buffer {
  const length = (frame[1] ?? 0) & 0x7f;
  const start = length === 126 ? 4 : length === 127 ? 10 : 2;
  const head = Buffer.from(frame.subarray(0, start));
  head[1] = length;
  const mask = frame.subarray(start, start + 4);
  const data = Buffer.from(frame.subarray(start + 4)).map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return Buffer.concat([head, data]);
}

test("what is sent is read, however it is cut", () => {
  const sizes = fc.oneof(fc.nat(200), fc.constantFrom(125, 126, 127, 65_535, 65_536, 70_000));
  fc.assert(
    fc.property(fc.array(sizes, { maxLength: 4 }), fc.array(fc.integer({ min: 500, max: 50_000 })), (lengths, cuts) => {
      const messages = lengths.map((size, index) => Buffer.alloc(size, index + 1));
      let bytes = Buffer.concat(messages.map((message) => fromServer(encodeFrame(OPCODE.binary, message))));
      const reader = new FrameReader(1 << 20);
      const found: Frame[] = [];
      for (const cut of [...cuts, bytes.length]) {
        found.push(...reader.push(bytes.subarray(0, cut)));
        bytes = bytes.subarray(cut);
      }
      expect(found.map(({ data }) => data)).toEqual(messages);
      expect(found.every(({ isLast, opcode }) => isLast && opcode === OPCODE.binary)).toBe(true);
    }),
    { numRuns: 20 },
  );
});

test.each([
  ["too large", fromServer(encodeFrame(OPCODE.text, Buffer.alloc(11)))],
  ["masked", encodeFrame(OPCODE.text, Buffer.alloc(1))],
  ["of a size beyond all", Buffer.from([0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255])],
])("a frame that is %s is refused", (_, bytes) => {
  expect(() => [...new FrameReader(10).push(bytes)]).toThrow(expect.objectContaining({ kind: "data_loss" }));
});
