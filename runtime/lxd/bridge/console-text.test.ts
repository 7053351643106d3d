import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { overlap, SinceRecord, Undecorated } from "./console-text.js";

/** As two terminals pass it on. */
const decorate = (text: string): string => text.replaceAll("\n", "\r\r\n");
const bytes = (text: string): Buffer => Buffer.from(text, "latin1");

/** Text in which line ends are frequent. */
const shown = fc.string({ unit: fc.constantFrom("a", "\r", "\n", "\0", "\xff"), maxLength: 40 });

describe("what a console shows", () => {
  test("comes without what was added, cut anywhere", () => {
    fc.assert(
      fc.property(shown, fc.array(fc.nat(60), { maxLength: 5 }), (text, cuts) => {
        const sent = bytes(decorate(`${text}$`));
        const undecorated = new Undecorated();
        const places = [0, ...cuts.map((cut) => Math.min(cut, sent.length)).sort((a, b) => a - b), sent.length];
        const parts = places.slice(1).map((end, index) => undecorated.take(sent.subarray(places[index], end)));
        expect(Buffer.concat(parts).toString("latin1")).toBe(`${text}$`);
      }),
    );
  });

  test.each([
    ["nothing", "", "one\ntwo\n", "one\ntwo\n"],
    ["a part", "one\n", "one\ntwo\n", "two\n"],
    ["all", "one\ntwo\n", "one\ntwo\n", ""],
    ["what the record has lost", "one\n", "two\nthree\n", "two\nthree\n"],
    ["a part that comes again", "one\n", "one\none\n", "one\n"],
    ["some of what the record has lost", "one\ntwo\n", "e\ntwo\nthree\n", "e\ntwo\nthree\n"],
  ])("of a record of which the connection has brought %s, the rest is missing", (_, brought, record, missing) => {
    const since = new SinceRecord();
    since.add(bytes(brought));
    expect(since.take(bytes(record)).toString()).toBe(missing);
    // It was emptied.
    expect(since.take(bytes(record)).toString()).toBe(record);
  });

  test("only the end of what was brought is remembered", () => {
    const since = new SinceRecord();
    since.add(Buffer.alloc(100_000, "a"));
    since.add(bytes("end"));
    const record = Buffer.concat([Buffer.alloc(9_000, "a"), bytes("end, and more")]);
    expect(since.take(record).toString()).toBe(", and more");
  });

  test.each([
    ["", "", 0],
    ["abc", "cde", 1],
    ["abc", "abcde", 3],
    ["abc", "de", 0],
    ["aaa", "aa", 2],
  ])("%j goes on in %j", (earlier, later, length) => {
    expect(overlap(bytes(earlier), bytes(later))).toBe(length);
  });
});
