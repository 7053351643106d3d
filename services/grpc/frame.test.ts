import { describe, expect, test } from "vitest";
import { Encoded } from "../../api/core/encoded.js";
import { Frame, framesOf } from "./frame.js";

const message = (sizeBytes: number, fill = 1): Encoded<unknown> => new Encoded(Buffer.alloc(sizeBytes, fill));

/** What grpc-js does with the buffer of a reply. */
function written(frame: Frame): Buffer {
  const output = Buffer.alloc(frame.byteLength + 5, 0xff);
  output.writeUInt8(0, 0);
  output.writeUInt32BE(frame.byteLength, 1);
  frame.copy(output, 5);
  return output;
}

describe("a frame", () => {
  test("of one message is its prefix and its pieces", () => {
    const pieces = new Encoded([Buffer.from("ab"), Buffer.alloc(0), Buffer.from("cde")]);
    expect(written(new Frame([pieces])).toString("latin1")).toBe("\0\0\0\0\x05abcde");
    expect(Buffer.from(pieces.bytes).toString()).toBe("abcde");
  });

  test("of several messages has a prefix for each", () => {
    const frame = new Frame([message(2, 97), message(0), message(1, 98)]);
    expect(written(frame).toString("latin1")).toBe("\0\0\0\0\x02aa\0\0\0\0\0\0\0\0\0\x01b");
  });
});

test("messages are put together up to 32 KiB, and a larger one goes alone", () => {
  const sizes = [10_000, 10_000, 12_000, 40_000, 1, 32_763, 5, 5];
  const frames = [...framesOf(sizes.map((size) => message(size)))];
  expect(frames.map(({ byteLength }) => byteLength)).toEqual([32_010, 40_000, 1, 32_763, 15]);
  expect([...framesOf([])]).toEqual([]);
});
