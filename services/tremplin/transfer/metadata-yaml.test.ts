// The architecture in descriptions of images, as different programs write them.
import { expect, test } from "vitest";
import { architectureOf } from "./metadata-yaml.js";

test.each([
  ["LXD's own", 'architecture: x86_64\ncreation_date: 1\nproperties:\n  architecture: "i386"\n', "x86_64"],
  ["not at the front", "creation_date: 1\narchitecture: aarch64\n", "aarch64"],
  ["without a newline", "architecture: armv7l", "armv7l"],
  ["in quotes", `architecture: "x86_64"\n`, "x86_64"],
  ["in others", `architecture: 'x86_64' # the usual\n`, "x86_64"],
  ["with a quoted key", `"architecture": x86_64\n`, "x86_64"],
  ["with newlines of Windows", "architecture: x86_64\r\ncreation_date: 1\r\n", "x86_64"],
  ["JSON", `{"creation_date":1,"architecture":"x86_64"}`, "x86_64"],
  ["JSON in lines", `{\n  "architecture": "i686"\n}\n`, "i686"],
  ["by Debian's name", "architecture: amd64\n", "x86_64"],
  ["by another of Debian's", "architecture: armhf\n", "armv7l"],
  ["only below something else", "properties:\n  architecture: x86_64\n", undefined],
  ["commented out", "# architecture: x86_64\n", undefined],
  ["a longer key", "architectures: x86_64\n", undefined],
  ["no text", "architecture: [x86_64]\n", undefined],
  ["empty", "architecture:\nx: y\n", undefined],
  ["nothing", "", undefined],
  ["JSON without", `{"a":1}`, undefined],
])("%s", (_, text, architecture) => {
  expect(architectureOf(text)).toBe(architecture);
});
