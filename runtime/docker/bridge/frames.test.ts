import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Piece } from "../../bridge/source.js";
import { FrameReader } from "./frames.js";

type FrameKind = Piece["kind"];

const KINDS: readonly FrameKind[] = ["stdin", "stdout", "stderr", "system"];

function frameOf(kind: FrameKind, data: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(KINDS.indexOf(kind));
  header.writeUInt32BE(data.length, 4);
  return Buffer.concat([header, data]);
}

/** What each stream is given, in order. */
function readAll(chunks: readonly Buffer[]): Map<FrameKind, string> {
  const reader = new FrameReader();
  const all = new Map<FrameKind, string>();
  for (const chunk of chunks) {
    for (const { kind, data } of reader.read(chunk)) all.set(kind, (all.get(kind) ?? "") + data.toString("latin1"));
  }
  return all;
}

describe("frames of an engine's stream", () => {
  test("arrive whole, however they are cut", () => {
    const frame = fc.record({ kind: fc.constantFrom(...KINDS), data: fc.uint8Array({ maxLength: 40 }) });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.nat({ max: 12 })), (frames, cuts) => {
        let rest = Buffer.concat(frames.map(({ kind, data }) => frameOf(kind, data)));
        const chunks: Buffer[] = [];
        for (const cut of cuts) {
          chunks.push(rest.subarray(0, cut));
          rest = rest.subarray(cut);
        }
        const want = new Map<FrameKind, string>();
        for (const { kind, data } of frames) {
          if (data.length > 0) want.set(kind, (want.get(kind) ?? "") + Buffer.from(data).toString("latin1"));
        }
        expect(readAll([...chunks, rest])).toEqual(want);
      }),
    );
  });

  test.each(["04000000 00000001 41", "01000100 00000001 41", "68656c6c 6f20776f"])("%s are none", (hex) => {
    expect(() => readAll([Buffer.from(hex.replaceAll(" ", ""), "hex")])).toThrow(
      expect.objectContaining({ kind: "data_loss" }),
    );
  });
});
