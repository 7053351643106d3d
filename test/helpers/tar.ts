// Archives byte by byte, so that a test can write what no honest archiver would. Names are byte strings (one character a byte).

export interface RawEntry {
  readonly name: string;
  /** The type byte. Default: "0", a file. */
  readonly type?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Seconds. Default: 1600000000. */
  readonly mtime?: number;
  readonly linkName?: string;
  readonly body?: string | Uint8Array;
  /** What the header says, when it should lie. */
  readonly size?: number;
  readonly major?: number;
  readonly minor?: number;
  /** PAX records, written before the entry. */
  readonly pax?: Readonly<Record<string, string>>;
  /** Bytes of the header to overwrite, by offset; the checksum is made afterwards. */
  readonly patch?: Readonly<Record<number, string>>;
}

const BLOCK = 512;

function octal(value: number, length: number): string {
  return `${value.toString(8).padStart(length - 1, "0")}\0`;
}

function padded(body: Uint8Array): Buffer {
  return Buffer.concat([body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)]);
}

function header(entry: RawEntry, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const put = (offset: number, text: string): void => void block.write(text, offset, "latin1");
  put(0, entry.name.slice(0, 100));
  put(100, octal(entry.mode ?? (entry.type === "5" ? 0o755 : 0o644), 8));
  put(108, octal(entry.uid ?? 0, 8));
  put(116, octal(entry.gid ?? 0, 8));
  put(124, octal(size, 12));
  put(136, octal(entry.mtime ?? 1_600_000_000, 12));
  put(156, entry.type ?? "0");
  put(157, (entry.linkName ?? "").slice(0, 100));
  put(257, "ustar\x0000");
  put(329, octal(entry.major ?? 0, 8));
  put(337, octal(entry.minor ?? 0, 8));
  for (const [offset, text] of Object.entries(entry.patch ?? {})) put(Number(offset), text);
  put(148, "        ");
  put(
    148,
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, "0")}\0 `,
  );
  return block;
}

/** One PAX record; its length counts itself. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (`${length}${rest}`.length !== length) length = `${length}${rest}`.length;
  return `${length}${rest}`;
}

export function tarEntry(entry: RawEntry): Buffer {
  const body = typeof entry.body === "string" ? Buffer.from(entry.body, "latin1") : Buffer.from(entry.body ?? []);
  const parts = [header(entry, entry.size ?? body.length), padded(body)];
  if (entry.pax === undefined) return Buffer.concat(parts);
  const records = Object.entries(entry.pax).map(([key, value]) => paxRecord(key, value));
  return Buffer.concat([tarEntry({ name: "pax", type: "x", body: Buffer.from(records.join(""), "latin1") }), ...parts]);
}

/** A whole archive with its end marks. */
export function tarOf(...entries: readonly RawEntry[]): Buffer {
  return Buffer.concat([...entries.map(tarEntry), Buffer.alloc(2 * BLOCK)]);
}
