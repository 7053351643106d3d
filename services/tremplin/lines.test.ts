import { expect, test } from "vitest";
import { linesOf, MAX_LINE_LENGTH } from "./lines.js";

async function read(...chunks: readonly (string | Buffer)[]): Promise<string[]> {
  async function* pieces(): AsyncGenerator<Buffer> {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  const lines: string[] = [];
  for await (const line of linesOf(pieces())) lines.push(line);
  return lines;
}

test.each([
  ["nothing", [], []],
  ["whole lines", ["one\ntwo\n"], ["one", "two"]],
  ["a last line without its end", ["one\ntwo"], ["one", "two"]],
  ["empty lines", ["\n\none\n"], ["", "", "one"]],
  ["lines in pieces", ["o", "ne\nt", "wo\n"], ["one", "two"]],
  ["ends of another system", ["one\r\ntwo\r", "\n"], ["one", "two"]],
  ["what is written over", [" 10%\r 50%\r100%\n"], ["100%"]],
  ["a letter cut in two", [Buffer.from("ü\n").subarray(0, 1), Buffer.from("ü\n").subarray(1)], ["ü"]],
])("%s", async (_, chunks, expected) => {
  expect(await read(...chunks)).toEqual(expected);
});

test("a line without an end is cut, and the next one is whole", async () => {
  const long = "x".repeat(MAX_LINE_LENGTH);
  expect(await read(long, long, long, "\nnext\n")).toEqual([long, "next"]);
});
