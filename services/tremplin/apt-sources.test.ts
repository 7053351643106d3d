import { expect, test } from "vitest";
import { aptSources } from "./apt-sources.js";
import { parseSystemFacts } from "./os-release.js";

const packages = "deb https://storage.googleapis.com/cros-packages/120";

test.each([
  ["a new Debian", "ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm", `${packages} bookworm main\n`],
  [
    "an old Debian",
    'ID=debian\nVERSION_ID="11"\nVERSION_CODENAME=bullseye',
    `${packages} bullseye main\ndeb https://deb.debian.org/debian bullseye-backports main\n`,
  ],
  ["a Debian to come", "ID=debian\nVERSION_CODENAME=trixie", `${packages} bookworm main\n`],
  ["a Debian without a name", "ID=debian\nVERSION_ID=9", undefined],
  ["a Debian with a strange name", 'ID=debian\nVERSION_ID=9\nVERSION_CODENAME="a b"', undefined],
  ["another system", "ID=ubuntu\nVERSION_ID=22.04\nVERSION_CODENAME=jammy", undefined],
])("%s", (_, text, expected) => {
  expect(aptSources(parseSystemFacts(text), 120)).toBe(expected);
});
