// PAX records: what a header has no room for. Keys and values are byte strings, as values may be binary (xattrs).
// @source POSIX.1-2017 pax, "pax Extended Header"; Go archive/tar (what it refuses)
import { badHeader, type Header } from "./header.js";

export type PaxRecords = ReadonlyMap<string, string>;

export const XATTR_PREFIX = "SCHILY.xattr.";
/** GNU tar's first sparse form tells its map as many records of the same two keys; they are kept as one, as its second form does. */
const SPARSE_PARTS = new Set(["GNU.sparse.offset", "GNU.sparse.numbytes"]);
export const SPARSE_MAP = "GNU.sparse.map";

const MAX_LENGTH_DIGITS = 10;
const NUL_FREE = new Set(["path", "linkpath", "uname", "gname"]);

/** @throws TarError when they are malformed. */
export function parsePax(body: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  const sparse: string[] = [];
  for (let start = 0; start < body.length; ) {
    const blank = body.indexOf(0x20, start);
    const digits = blank < 0 || blank - start > MAX_LENGTH_DIGITS ? "" : body.toString("latin1", start, blank);
    const length = /^[0-9]+$/.test(digits) ? Number(digits) : 0;
    const end = start + length;
    if (length < 5 || end > body.length || end < blank + 2 || body[end - 1] !== 0x0a) {
      throw badHeader("a pax record has a wrong length");
    }
    const equals = body.indexOf(0x3d, blank + 1);
    if (equals < 0 || equals > end - 2) throw badHeader("a pax record has no value");
    const key = body.toString("latin1", blank + 1, equals);
    const value = body.toString("latin1", equals + 1, end - 1);
    if (key === "" || key.includes("\0")) throw badHeader("a pax record has a bad key");
    if (NUL_FREE.has(key) && value.includes("\0")) throw badHeader("a name has a NUL");
    if (SPARSE_PARTS.has(key)) sparse.push(value);
    else records.set(key, value);
    start = end;
  }
  if (sparse.length > 0) records.set(SPARSE_MAP, sparse.join(","));
  return records;
}

function integer(value: string): number {
  const number = /^[+-]?[0-9]{1,18}$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw badHeader("a pax number is malformed");
  return number;
}

/** Seconds with a fraction, to nanoseconds; further digits are cut off. */
export function parsePaxTime(value: string): bigint {
  const match = /^(-?)([0-9]{1,18})(?:\.([0-9]*))?$/.exec(value);
  if (match === null) throw badHeader("a pax time is malformed");
  const [, sign, seconds = "0", fraction = ""] = match;
  const total = BigInt(seconds) * 1_000_000_000n + BigInt(`${fraction}000000000`.slice(0, 9));
  return sign === "-" ? -total : total;
}

/** What the records say beats what the header says; an empty value says nothing. @throws TarError */
export function mergePax(header: Header, records: PaxRecords): Header {
  const told = <T>(key: string, parse: (value: string) => T, otherwise: T): T => {
    const value = records.get(key);
    return value === undefined || value === "" ? otherwise : parse(value);
  };
  const text = (value: string): string => value;
  const sizeBytes = told("size", integer, header.sizeBytes);
  if (sizeBytes < 0) throw badHeader("a size is negative");
  const name = told("path", text, header.name);
  return {
    ...header,
    name,
    linkName: told("linkpath", text, header.linkName),
    uid: told("uid", integer, header.uid),
    gid: told("gid", integer, header.gid),
    sizeBytes,
    modifiedNs: told("mtime", parsePaxTime, header.modifiedNs),
    accessedNs: told<bigint | undefined>("atime", parsePaxTime, header.accessedNs),
  };
}
