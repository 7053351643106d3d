// The form that passwd, shadow, group and gshadow share: a line per entry, fields between colons. What is not understood stays as it is.
// @source passwd(5), shadow(5), group(5), gshadow(5)

/** The fields of a line; the first is a name. */
export type Row = readonly string[];

/** Of a group or of its shadow: as many fields, with the names of the members in the last. */
const GROUP_FIELDS = 4;

export const parseTable = (text: string): Row[] =>
  text === ""
    ? []
    : text
        .replace(/\n$/, "")
        .split("\n")
        .map((line) => line.split(":"));

export const formatTable = (rows: readonly Row[]): string => rows.map((row) => `${row.join(":")}\n`).join("");

export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
}

/** Undefined for a line that is none. */
export function passwdEntry(row: Row): PasswdEntry | undefined {
  const [name = "", , uid = "", gid = "", , home] = row;
  if (row.length !== 7 || name === "" || home === undefined || !isNumber(uid) || !isNumber(gid)) return undefined;
  return { name, uid: Number(uid), gid: Number(gid), home };
}

/** Undefined for a line that is none. */
export function groupEntry(row: Row): GroupEntry | undefined {
  const [name = "", , gid = ""] = row;
  return row.length === GROUP_FIELDS && name !== "" && isNumber(gid) ? { name, gid: Number(gid) } : undefined;
}

const isNumber = (text: string): boolean => /^\d{1,10}$/.test(text);

/** A line that is no group's stays as it is. */
export function withMember(row: Row, member: string): Row {
  const members = membersOf(row);
  return row.length !== GROUP_FIELDS || members.includes(member) ? row : withMembers(row, [...members, member]);
}

export function withoutMember(row: Row, member: string): Row {
  const members = membersOf(row);
  return members.includes(member)
    ? withMembers(
        row,
        members.filter((name) => name !== member),
      )
    : row;
}

const membersOf = (row: Row): string[] =>
  row.length === GROUP_FIELDS ? (row[3] ?? "").split(",").filter((name) => name !== "") : [];
const withMembers = (row: Row, members: readonly string[]): Row => [...row.slice(0, 3), members.join(",")];
