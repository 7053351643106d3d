import { expect, test } from "vitest";
import { parseSystemFacts, toOsRelease } from "./os-release.js";

const NOTHING = { prettyName: "", name: "", version: "", versionId: "", id: "" };

test.each([
  [
    "Debian's",
    'PRETTY_NAME="Debian GNU/Linux 11 (bullseye)"\nNAME="Debian GNU/Linux"\nVERSION_ID="11"\nVERSION="11 (bullseye)"\nVERSION_CODENAME=bullseye\nID=debian\n',
    {
      prettyName: "Debian GNU/Linux 11 (bullseye)",
      name: "Debian GNU/Linux",
      version: "11 (bullseye)",
      versionId: "11",
      id: "debian",
    },
  ],
  ["no file to speak of", "", NOTHING],
  ["comments and words", "# ID=no\nID\n  ID=arch  \r\n", { ...NOTHING, id: "arch" }],
  ["single quotes", "NAME='a \\\"b\\\" $c'", { ...NOTHING, name: 'a \\"b\\" $c' }],
  ["escapes", 'NAME="a \\"b\\" \\$c \\\\ \\n"', { ...NOTHING, name: 'a "b" $c \\ \\n' }],
  ["quotes that do not end", 'NAME="a\nID=x', { ...NOTHING, name: '"a', id: "x" }],
  ["the last of two", "ID=a\nID=b", { ...NOTHING, id: "b" }],
  ["a name of the language", "__proto__=a\nID=b", { ...NOTHING, id: "b" }],
])("%s is read", (_, text, expected) => {
  expect(toOsRelease(parseSystemFacts(text))).toMatchObject(expected);
});
