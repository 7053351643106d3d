import fc from "fast-check";
import { expect, test } from "vitest";
import { PacketReader, PacketSplitter, PacketWriter } from "./sftp-packets.js";

test("fields are read as they were written", () => {
  const packet = new PacketWriter().byte(3).number(4_000_000_000).text("ü").attributes({ uid: 1, gid: 2, mode: 0o644 });
  const reader = new PacketReader(packet.finish().subarray(4));
  expect([reader.byte(), reader.number(), reader.text()]).toEqual([3, 4_000_000_000, "ü"]);
  expect(reader.attributes()).toEqual({ sizeBytes: 0, uid: 1, gid: 2, mode: 0o644 });
});

test("attributes that nobody asks for are passed over", () => {
  const fields = [0x8000_000d, 0, 7, 0o100644, 1, 2, 1];
  const writer = fields.reduce((packet, field) => packet.number(field), new PacketWriter());
  const reader = new PacketReader(writer.text("name").text("value").byte(9).finish().subarray(4));
  expect(reader.attributes()).toEqual({ sizeBytes: 7, uid: 0, gid: 0, mode: 0o100644 });
  expect(reader.byte()).toBe(9);
});

test.each([
  ["a number", Buffer.of(0, 0)],
  ["a text", Buffer.of(0, 0, 0, 9, 65)],
])("%s that is cut short is refused", (_, bytes) => {
  expect(() => new PacketReader(bytes).text()).toThrow(RangeError);
});

test("packets are found wherever the stream is cut", () => {
  const lists = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 8 });
  fc.assert(
    fc.property(lists, fc.integer({ min: 1, max: 9 }), (bodies, step) => {
      const stream = Buffer.concat(bodies.map((body) => new PacketWriter().text(body).finish().subarray(4)));
      const splitter = new PacketSplitter();
      const found: Buffer[] = [];
      for (let at = 0; at < stream.length; at += step) found.push(...splitter.push(stream.subarray(at, at + step)));
      expect(found.map((body) => [...body])).toEqual(bodies.map((body) => [...body]));
    }),
  );
});

test("a length that nobody sends is refused", () => {
  expect(() => new PacketSplitter().push(Buffer.of(0xff, 0, 0, 0))).toThrow(RangeError);
});
