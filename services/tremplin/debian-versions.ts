// Which upgrade leads from where to where: releases of Debian, by their numbers.
import type { OsRelease } from "../../api/gen/vm_tools/tremplin.js";
import { UpgradeContainerRequest_Version as Version } from "../../api/gen/vm_tools/tremplin.js";

export type UpgradePlan =
  | { readonly verdict: "upgrade" /** What the script is told. */; readonly target: string }
  | { readonly verdict: "already_upgraded" }
  | { readonly verdict: "not_supported"; readonly reason: string };

const RELEASES = new Map<number, { readonly name: string; readonly number: number }>([
  [Version.DEBIAN_STRETCH, { name: "DEBIAN_STRETCH", number: 9 }],
  [Version.DEBIAN_BUSTER, { name: "DEBIAN_BUSTER", number: 10 }],
  [Version.DEBIAN_BULLSEYE, { name: "DEBIAN_BULLSEYE", number: 11 }],
]);

export function planUpgrade(present: OsRelease | undefined, target: number): UpgradePlan {
  const release = RELEASES.get(target);
  if (release === undefined) return unsupported(`version ${target} is unknown`);
  if (present?.id !== "debian") return unsupported(`it has ${present?.prettyName || "no known system"}, not Debian`);
  const [, digits] = /^(\d+)(?:\.\d+)*$/.exec(present.versionId) ?? [];
  if (digits === undefined) return unsupported(`its Debian has no version number`);
  const number = Number(digits);
  if (number === release.number) return { verdict: "already_upgraded" };
  if (number > release.number) return unsupported(`its Debian ${digits} is newer than ${release.name}`);
  return { verdict: "upgrade", target: release.name };
}

const unsupported = (reason: string): UpgradePlan => ({ verdict: "not_supported", reason });
