// Who a process is and what it may do, as its spec asks, and the words that make it so: setpriv(1) with flags, put before the
// program. Where nothing changes there are none.

import { capabilityFlags, missingRight, type OwnCapabilities, ownCapabilities } from "./capabilities.js";
import type { Identity } from "./program.js";
import type { OciProcess } from "./spec.js";
import { findTool } from "./tools.js";

export interface Privileges {
  readonly identity: Identity;
  /** Up to where the program follows. */
  readonly words: readonly string[];
}

export function ownIdentity(): Identity {
  return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, groups: process.getgroups?.() ?? [] };
}

/** The own group always counts as one of them. */
function sameGroups(a: Identity, b: Identity): boolean {
  const [first, second] = [new Set([a.gid, ...a.groups]), new Set([b.gid, ...b.groups])];
  return first.size === second.size && [...first].every((group) => second.has(group));
}

function wantedIdentity({ user }: OciProcess, own: Identity, rights: OwnCapabilities): Identity {
  if (user == null) return own;
  const { uid, gid, additionalGids } = user;
  // Groups that nobody asked for go where that is possible. A user cannot shed his own.
  const mayStay = uid === own.uid && gid === own.gid && !rights.effective.has("CAP_SETGID");
  return { uid, gid, groups: additionalGids ?? (mayStay ? own.groups : []) };
}

function identityFlags(wanted: Identity, own: Identity, rights: OwnCapabilities): string[] {
  const flags: string[] = [];
  const need = (what: string, capability: string): void => {
    if (!rights.effective.has(capability)) throw missingRight(what, capability);
  };
  if (wanted.uid !== own.uid) {
    need(`process.user.uid ${wanted.uid}`, "CAP_SETUID");
    flags.push(`--reuid=${wanted.uid}`);
  }
  if (wanted.gid !== own.gid) {
    need(`process.user.gid ${wanted.gid}`, "CAP_SETGID");
    flags.push(`--regid=${wanted.gid}`);
  }
  if (!sameGroups(wanted, own)) {
    need("process.user.additionalGids", "CAP_SETGID");
    flags.push(wanted.groups.length === 0 ? "--clear-groups" : `--groups=${[...new Set(wanted.groups)].join(",")}`);
  } else if (wanted.gid !== own.gid) flags.push("--keep-groups");
  return flags;
}

/** @throws permission_denied that names the missing right; invalid_argument; failed_precondition without setpriv(1). */
export function privilegesOf(process: OciProcess): Privileges {
  const [own, rights] = [ownIdentity(), ownCapabilities()];
  const identity = wantedIdentity(process, own, rights);
  const flags = identityFlags(identity, own, rights);
  const isUnprivilegedForGood = process.noNewPrivileges === true;
  if (isUnprivilegedForGood) flags.push("--no-new-privs");
  const { capabilities } = process;
  if (capabilities != null) flags.push(...capabilityFlags(capabilities, identity.uid, isUnprivilegedForGood, rights));
  return { identity, words: flags.length === 0 ? [] : [findTool("setpriv"), ...flags, "--"] };
}
