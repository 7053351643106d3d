import { expect, test } from "vitest";
import { TerminalModes } from "./terminal-modes.js";

test.each([
  ["nothing", ["hello\r\n", "\u001b[1mbold\u001b[m"], ""],
  ["an editor's screen and mouse", ["\u001b[?1049h\u001b[?1000;1006h"], "\u001b[?1006l\u001b[?1000l\u001b[?1049l"],
  ["a hidden cursor", ["\u001b[?25l"], "\u001b[?25h"],
  ["what the program has undone itself", ["\u001b[?1049h\u001b[?25l", "\u001b[?25h\u001b[?1049l"], ""],
  ["a sequence in two pieces", ["text\u001b[?20", "04h"], "\u001b[?2004l"],
  ["one twice", ["\u001b[?2004h\u001b[?2004h"], "\u001b[?2004l"],
  ["modes that are a matter of taste", ["\u001b[?7l\u001b[?12h"], ""],
])("%s", (_, pieces, undone) => {
  const modes = new TerminalModes();
  for (const piece of pieces) modes.take(Buffer.from(piece));
  expect(modes.undo()).toBe(undone);
});
