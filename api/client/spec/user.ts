// Who a process runs as: `name`, `uid`, `name:group`, `uid:gid` and mixtures, looked up in the files of the root filesystem.
// @source containerd pkg/oci/spec_opts.go (WithUser)
import { readFileSync } from "node:fs";
import { invalidArgument, notFound } from "../../core/errors.js";
import type { User } from "./oci.js";
import { resolveInRoot } from "./rootfs-path.js";

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** The lines of /etc/passwd that make sense. */
export function parsePasswd(text: string): PasswdEntry[] {
  return fields(text).flatMap(([name = "", , uid, gid]) => {
    const [uidNumber, gidNumber] = [parseId(uid), parseId(gid)];
    return name === "" || uidNumber === undefined || gidNumber === undefined
      ? []
      : [{ name, uid: uidNumber, gid: gidNumber }];
  });
}

/** The lines of /etc/group that make sense. */
export function parseGroup(text: string): GroupEntry[] {
  return fields(text).flatMap(([name = "", , gid, members = ""]) => {
    const gidNumber = parseId(gid);
    const names = members.split(",").filter((member) => member !== "");
    return name === "" || gidNumber === undefined ? [] : [{ name, gid: gidNumber, members: names }];
  });
}

/**
 * The user that `text` means in the root filesystem at `root`. A number needs no entry; a name does. Without a group the user's own
 * and its further groups hold; with a group only that one.
 * @throws not_found for a name that is not there, invalid_argument for anything else than one or two parts.
 */
export function lookUpUser(root: string, text: string): User {
  const parts = text.split(":");
  const [who = "", group] = parts;
  if (parts.length > 2 || who === "" || group === "")
    throw invalidArgument(`user "${text}" is not "user" or "user:group"`);
  const passwd = parsePasswd(readInRoot(root, "/etc/passwd"));
  const number = parseId(who);
  const entry = passwd.find((user) => (number === undefined ? user.name === who : user.uid === number));
  if (entry === undefined && number === undefined) throw notFound(`user "${who}" in the root filesystem`);
  const uid = entry?.uid ?? number ?? 0;
  const groups = parseGroup(readInRoot(root, "/etc/group"));
  if (group !== undefined) return { uid, gid: lookUpGroup(groups, group) };
  const gid = entry?.gid ?? 0;
  const further = groups.filter((candidate) => entry !== undefined && candidate.members.includes(entry.name));
  const additionalGids = [...new Set(further.map((candidate) => candidate.gid))].filter((other) => other !== gid);
  return { uid, gid, ...(additionalGids.length === 0 ? {} : { additionalGids }) };
}

/**
 * The user of an image's config; nothing stands for root. As containerd's client has it, all groups that name the user hold, also
 * when one was asked for, and its own is among them.
 * @throws as {@link lookUpUser}.
 */
export function lookUpImageUser(root: string, text = ""): User {
  const { uid, gid } = text === "" ? { uid: 0, gid: 0 } : lookUpUser(root, text);
  const passwd = parsePasswd(readInRoot(root, "/etc/passwd"));
  const name = text === "" ? "root" : passwd.find((user) => user.uid === uid)?.name;
  const further = parseGroup(readInRoot(root, "/etc/group"))
    .filter((group) => name !== undefined && group.name !== name && group.members.includes(name))
    .map((group) => group.gid);
  return { uid, gid, additionalGids: further.includes(gid) ? further : [gid, ...further] };
}

function lookUpGroup(groups: readonly GroupEntry[], text: string): number {
  const number = parseId(text);
  if (number !== undefined) return number;
  const entry = groups.find((group) => group.name === text);
  if (entry === undefined) throw notFound(`group "${text}" in the root filesystem`);
  return entry.gid;
}

function parseId(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= 0xffff_fffe ? id : undefined;
}

function fields(text: string): string[][] {
  return text.split("\n").map((line) => line.trim().split(":"));
}

/** A file of the root filesystem; empty when there is none. */
function readInRoot(root: string, path: string): string {
  try {
    return readFileSync(resolveInRoot(root, path), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) return "";
    throw error;
  }
}
