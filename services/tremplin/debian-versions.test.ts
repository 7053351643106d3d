import { expect, test } from "vitest";
import { OsRelease, UpgradeContainerRequest_Version as Version } from "../../api/gen/vm_tools/tremplin.js";
import { planUpgrade } from "./debian-versions.js";

const debian = (versionId: string): OsRelease => OsRelease.fromPartial({ id: "debian", versionId });

test.each([
  ["to the next", "9", Version.DEBIAN_BUSTER, { verdict: "upgrade", target: "DEBIAN_BUSTER" }],
  ["over one", "9", Version.DEBIAN_BULLSEYE, { verdict: "upgrade", target: "DEBIAN_BULLSEYE" }],
  ["from a point release", "10.3", Version.DEBIAN_BULLSEYE, { verdict: "upgrade", target: "DEBIAN_BULLSEYE" }],
  ["from long ago", "8", Version.DEBIAN_STRETCH, { verdict: "upgrade", target: "DEBIAN_STRETCH" }],
  ["to itself", "11", Version.DEBIAN_BULLSEYE, { verdict: "already_upgraded" }],
  [
    "back",
    "12",
    Version.DEBIAN_BULLSEYE,
    { verdict: "not_supported", reason: "its Debian 12 is newer than DEBIAN_BULLSEYE" },
  ],
  ["to what is unset", "9", Version.UNKNOWN, { verdict: "not_supported", reason: "version 0 is unknown" }],
  ["to what is not listed", "9", 77, { verdict: "not_supported", reason: "version 77 is unknown" }],
  [
    "from testing",
    "",
    Version.DEBIAN_BULLSEYE,
    { verdict: "not_supported", reason: "its Debian has no version number" },
  ],
  [
    "from nonsense",
    "10x",
    Version.DEBIAN_BULLSEYE,
    { verdict: "not_supported", reason: "its Debian has no version number" },
  ],
])("Debian goes %s", (_, present, target, expected) => {
  expect(planUpgrade(debian(present), target)).toEqual(expected);
});

test.each([
  ["another system", OsRelease.fromPartial({ id: "arch", prettyName: "Arch Linux" }), "it has Arch Linux, not Debian"],
  ["nothing known", undefined, "it has no known system, not Debian"],
])("%s does not become Debian", (_, present, reason) => {
  expect(planUpgrade(present, Version.DEBIAN_BULLSEYE)).toEqual({ verdict: "not_supported", reason });
});
