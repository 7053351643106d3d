// Headers of a tar archive in the PAX form: what fits a plain header lies there, what does not is a record before it. The same
// input gives the same bytes.
// @source POSIX.1-2017 pax; Go archive/tar writer.go (when a record is needed)
import { BLOCK_BYTES } from "./header.js";

export interface NewEntry {
  /** Byte string; folders end in `/`. */
  readonly name: string;
  /** Type byte. */
  readonly type: string;
  readonly linkName?: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** Whole seconds since 1970. */
  readonly modifiedSeconds: bigint;
  readonly major?: number;
  readonly minor?: number;
  /** Further records, for example xattrs. */
  readonly records?: Readonly<Record<string, string>>;
}

const NAME_BYTES = 100;
const MAX_OWNER = 0o7777777;
const MAX_SIZE = 0o77777777777;
// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what plain headers hold
const ASCII = /^[\x01-\x7f]*$/;

/** One record; its length counts itself. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

function recordsOf(entry: NewEntry): string {
  const records = new Map(Object.entries(entry.records ?? {}));
  const fits = (text: string): boolean => text.length <= NAME_BYTES && ASCII.test(text);
  if (!fits(entry.name)) records.set("path", entry.name);
  if (!fits(entry.linkName ?? "")) records.set("linkpath", entry.linkName ?? "");
  if (entry.uid > MAX_OWNER) records.set("uid", String(entry.uid));
  if (entry.gid > MAX_OWNER) records.set("gid", String(entry.gid));
  if (entry.sizeBytes > MAX_SIZE) records.set("size", String(entry.sizeBytes));
  if (!hasPlainTime(entry)) records.set("mtime", String(entry.modifiedSeconds));
  const keys = [...records.keys()].sort();
  return keys.map((key) => record(key, records.get(key) ?? "")).join("");
}

const hasPlainTime = ({ modifiedSeconds }: NewEntry): boolean =>
  modifiedSeconds >= 0n && modifiedSeconds <= BigInt(MAX_SIZE);

function block(entry: NewEntry): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  const put = (offset: number, text: string): void => void header.write(text, offset, "latin1");
  const octal = (offset: number, length: number, value: number): void =>
    put(offset, `${value.toString(8).padStart(length - 1, "0")}\0`);
  const plain = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, "_").slice(0, NAME_BYTES);
  put(0, plain(entry.name));
  octal(100, 8, entry.mode);
  octal(108, 8, entry.uid > MAX_OWNER ? 0 : entry.uid);
  octal(116, 8, entry.gid > MAX_OWNER ? 0 : entry.gid);
  octal(124, 12, entry.sizeBytes > MAX_SIZE ? 0 : entry.sizeBytes);
  octal(136, 12, hasPlainTime(entry) ? Number(entry.modifiedSeconds) : 0);
  put(148, "        ");
  put(156, entry.type);
  put(157, plain(entry.linkName ?? ""));
  put(257, "ustar\x0000");
  octal(329, 8, entry.major ?? 0);
  octal(337, 8, entry.minor ?? 0);
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return header;
}

/** The header with the records that it needs. */
export function encodeHeader(entry: NewEntry): Buffer {
  const records = Buffer.from(recordsOf(entry), "latin1");
  if (records.length === 0) return block(entry);
  const name = `PaxHeaders.0/${entry.name}`;
  const own = { name, type: "x", mode: 0, uid: 0, gid: 0, sizeBytes: records.length, modifiedSeconds: 0n };
  return Buffer.concat([
    block({ ...own, name: name.slice(0, NAME_BYTES) }),
    records,
    padding(records.length),
    block(entry),
  ]);
}

/** What makes a body whole blocks. */
export const padding = (sizeBytes: number): Buffer =>
  Buffer.alloc((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES);

export const endMarks = (): Buffer => Buffer.alloc(2 * BLOCK_BYTES);
