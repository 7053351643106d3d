// Where a ChromeOS image of Debian gets the host's tools from: a list of apt's, with the host's milestone in it.
// @source chromiumos platform/tremplin

import { isNotFound } from "../../api/core/errors.js";
import type { LxdServer } from "../../runtime/lxd/server.js";
import { openSftp } from "../../runtime/lxd/sftp.js";
import { readSystemFacts, type SystemFacts } from "./os-release.js";

const LIST = "/etc/apt/sources.list.d/cros.list";
const OWNER = { uid: 0, gid: 0, mode: 0o644 };
const PACKAGES = "https://storage.googleapis.com/cros-packages";
const BACKPORTS = "https://deb.debian.org/debian";
/** What a Debian without a number, so not released yet, gets the packages of. */
const NEWEST = "bookworm";
/** Whose tools take newer packages than these had at first. */
const NEEDS_BACKPORTS = ["buster", "bullseye"];
const MAX_BYTES = 65_536;

/** Brings the list to the milestone. Only where there is one: images from elsewhere have no key for those packages. */
export async function refreshAptSources(lxd: LxdServer, name: string, milestone: number): Promise<void> {
  using sftp = await openSftp(lxd, name);
  const facts = await readSystemFacts(sftp);
  const wanted = facts === undefined ? undefined : aptSources(facts, milestone);
  if (wanted === undefined) return;
  const present = await sftp.readFile(LIST, MAX_BYTES).catch(undefinedIfMissing);
  if (present === undefined || present.toString("utf8") === wanted) return;
  await sftp.replaceFile(LIST, [Buffer.from(wanted)], OWNER);
}

/** What the list is to hold. Undefined for a system that is no Debian that we know the name of. */
export function aptSources(facts: SystemFacts, milestone: number): string | undefined {
  const codename = facts.has("VERSION_ID") ? facts.get("VERSION_CODENAME") : NEWEST;
  if (facts.get("ID") !== "debian" || codename === undefined || !/^[a-z]+$/.test(codename)) return undefined;
  const backports = NEEDS_BACKPORTS.includes(codename) ? `deb ${BACKPORTS} ${codename}-backports main\n` : "";
  return `deb ${PACKAGES}/${milestone} ${codename} main\n${backports}`;
}

function undefinedIfMissing(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}
