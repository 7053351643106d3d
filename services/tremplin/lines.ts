// Lines of what a program prints, as a person at a terminal would read them.
import { StringDecoder } from "node:string_decoder";

/** What is longer is cut. In UTF-16 units. */
export const MAX_LINE_LENGTH = 4_096;

/** The lines of a text that comes in pieces, without their ends; the last one may lack its end. Of what is written over, the last. */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.write(chunk)).split("\n");
    // Cut here as well, or a text without an end of line would be kept whole.
    rest = lines.pop()?.slice(0, MAX_LINE_LENGTH) ?? "";
    yield* lines.map(asSeen);
  }
  rest += decoder.end();
  if (rest !== "") yield asSeen(rest);
}

/** A carriage return goes back to the line's start. */
function asSeen(line: string): string {
  const text = line.replace(/\r+$/, "");
  return text.slice(text.lastIndexOf("\r") + 1).slice(0, MAX_LINE_LENGTH);
}
