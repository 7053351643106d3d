// The ends that are remembered. They are written by the ledger, with the events that tell of them; here they are read, get the last lines
// that were printed, and go when they are old.
import { type RequestContext, requireNamespace } from "../api/core/context.js";
import type { ExitRecord, Exits, ListExitsOptions } from "../api/core/exit-record.js";
import { validateIdentifier } from "../api/core/identifiers.js";
import { REQUEST_COLUMNS, type RequestColumns, requestOf, timeOf } from "./attempts.js";
import type { Database } from "./db.js";
import type { Reader, SqlValue } from "./statements.js";

const PAGE_RECORDS = 256;
const COLUMNS = `seq, container, exec, attempt, pid, image, runtime, started_seconds, started_nanos, exited_seconds, exited_nanos,
  exit_status, signal, out_of_memory, message, last_lines, ${REQUEST_COLUMNS.join(", ")}`;
const LATEST = "seq IN (SELECT max(seq) FROM exits WHERE namespace = ? AND exec = '' GROUP BY container)";
const LINE_FEED = 10;

interface ExitRow extends RequestColumns {
  readonly seq: number;
  readonly container: string;
  readonly exec: string;
  readonly attempt: number;
  readonly pid: number;
  readonly image: string;
  readonly runtime: string;
  readonly started_seconds: number | null;
  readonly started_nanos: number | null;
  readonly exited_seconds: number | null;
  readonly exited_nanos: number | null;
  readonly exit_status: number | null;
  readonly signal: number | null;
  readonly out_of_memory: number;
  readonly message: string;
  readonly last_lines: Uint8Array | null;
}

export function createExitStore(db: Database): Exits {
  return {
    async *list(ctx: RequestContext, options: ListExitsOptions = {}) {
      const namespace = requireNamespace(ctx);
      if (options.containerId !== undefined) validateIdentifier(options.containerId);
      let { limit: left = Number.MAX_SAFE_INTEGER } = options;
      let before: number | undefined;
      while (left > 0) {
        const limit = Math.min(left, PAGE_RECORDS);
        const rows = db.view((reader) => readPage(reader, namespace, options, before, limit));
        for (const row of rows) yield toRecord(row);
        left -= rows.length;
        before = rows.at(-1)?.seq;
        if (rows.length < limit) return;
        // Page behind page: let others run.
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    },
  };
}

/** Newest first: in the order in which they were told, from the last one back. */
function readPage(
  reader: Reader,
  namespace: string,
  { containerId, sinceNs, execs = false, latest = false }: ListExitsOptions,
  before: number | undefined,
  limit: number,
): ExitRow[] {
  const conditions: [string, ...SqlValue[]][] = [["namespace = ?", namespace]];
  if (containerId !== undefined) conditions.push(["container = ?", containerId]);
  if (!execs || latest) conditions.push(["exec = ''"]);
  if (latest) conditions.push([LATEST, namespace]);
  if (before !== undefined) conditions.push(["seq < ?", before]);
  if (sinceNs !== undefined) {
    conditions.push(["(exited_seconds, exited_nanos) >= (?, ?)", sinceNs / 1_000_000_000n, sinceNs % 1_000_000_000n]);
  }
  const where = conditions.map(([text]) => text).join(" AND ");
  const values = conditions.flatMap(([, ...given]) => given);
  return reader.all<ExitRow>(`SELECT ${COLUMNS} FROM exits WHERE ${where} ORDER BY seq DESC LIMIT ?`, ...values, limit);
}

function toRecord(row: ExitRow): ExitRecord {
  const startedAtNs = timeOf(row.started_seconds, row.started_nanos);
  const exitedAtNs = timeOf(row.exited_seconds, row.exited_nanos);
  // A start is told a moment after it was made, when a short process may have ended.
  const isLate = startedAtNs !== undefined && exitedAtNs !== undefined && startedAtNs > exitedAtNs;
  return {
    ...{ containerId: row.container, execId: row.exec, attempt: row.attempt, pid: row.pid },
    startedAtNs: isLate ? exitedAtNs : startedAtNs,
    exitedAtNs,
    exitStatus: row.exit_status ?? undefined,
    signal: row.signal ?? undefined,
    isOutOfMemory: row.out_of_memory !== 0,
    requested: requestOf(row),
    message: row.message,
    lastLines: splitLines(row.last_lines ?? new Uint8Array()),
    ...{ image: row.image, runtime: row.runtime },
  };
}

/** Each line stands with its line feed, which no line holds. */
export const joinLines = (lines: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat(lines.flatMap((line) => [line, Buffer.from([LINE_FEED])]));

function splitLines(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(LINE_FEED, at);
    lines.push(bytes.subarray(at, end));
    at = end + 1;
  }
  return lines;
}
