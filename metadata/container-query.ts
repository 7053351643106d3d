// Lists of containers by pages: each page is one short read, and other work runs before the next. Records stay encoded.
import { type ContainerPlan, containerAdaptor, planContainers } from "./container-filter.js";
import type { Database } from "./db.js";
import { parseListFilters } from "./list-filter.js";
import { type RecordCache, recordKey } from "./record-cache.js";
import type { Reader, SqlValue } from "./statements.js";

/** A page ends at so many records, so many bytes of them, or so many rows that code has looked at. */
const PAGE_RECORDS = 100;
const PAGE_BYTES = 1024 * 1024;
const PAGE_CANDIDATES = 1_000;

const WHERE_BEHIND = "FROM containers WHERE namespace = ? AND id > ?";
const RECORD = "SELECT record FROM containers WHERE namespace = ? AND id = ?";

interface RecordRow {
  readonly id: string;
  readonly record: Uint8Array;
}

interface CandidateRow {
  readonly id: string;
  readonly image: string;
  readonly runtimeName: string;
}

interface LabelRow {
  readonly id: string;
  readonly key: string;
  readonly value: string;
}

interface Page {
  readonly records: readonly Uint8Array[];
  /** The last id looked at; undefined after the last page. */
  readonly next: string | undefined;
}

class PageBuilder {
  readonly records: Uint8Array[] = [];
  #sizeBytes = 0;
  last: string | undefined;

  /** Whether there is room for more after this one. */
  add(id: string, record: Uint8Array): boolean {
    this.records.push(record);
    this.#sizeBytes += record.length;
    this.last = id;
    return !this.isFull;
  }

  get isFull(): boolean {
    return this.records.length >= PAGE_RECORDS || this.#sizeBytes >= PAGE_BYTES;
  }
}

type PageReader = (reader: Reader, after: string) => Page;

/** A filter of more keys than this reads all labels instead. */
const MAX_LABEL_KEYS = 64;

type LabelsById = Map<string, Map<string, string>>;

/** Labels of the candidates, by id: those that the filter names. */
function readLabels(reader: Reader, namespace: string, plan: ContainerPlan, rows: readonly CandidateRow[]): LabelsById {
  const labels: LabelsById = new Map();
  const [first, last] = [rows[0], rows.at(-1)];
  const { labelKeys } = plan;
  if (first === undefined || last === undefined || labelKeys.length === 0) return labels;
  const keys = labelKeys.length > MAX_LABEL_KEYS ? [] : labelKeys;
  const named = keys.length === 0 ? "" : ` AND key IN (${keys.map(() => "?").join(", ")})`;
  const read = (ids: string, values: readonly string[]) => {
    const sql = `SELECT id, key, value FROM container_labels WHERE namespace = ? AND ${ids}${named}`;
    for (const { id, key, value } of reader.all<LabelRow>(sql, namespace, ...values, ...keys)) {
      const entries = labels.get(id);
      if (entries === undefined) labels.set(id, new Map([[key, value]]));
      else entries.set(key, value);
    }
  };
  // All ids in a row, or some here and there.
  if (plan.candidates === undefined) read("id >= ? AND id <= ?", [first.id, last.id]);
  else for (const { id } of rows) read("id = ?", [id]);
  return labels;
}

/** Every candidate is an answer: records straight from the rows, or from memory while most of them are there. */
function exactPage({ cache, namespace }: ContainerPagesOptions, { candidates }: ContainerPlan): PageReader {
  const narrowed = candidates === undefined ? "" : ` AND id IN (${candidates.sql})`;
  const rest = `${WHERE_BEHIND}${narrowed} ORDER BY id LIMIT ?`;
  let areRemembered = true;
  return (reader, after) => {
    const values = [namespace, after, ...(candidates?.values ?? []), PAGE_RECORDS];
    const page = new PageBuilder();
    if (areRemembered) {
      const ids = reader.column<string>(`SELECT id ${rest}`, ...values);
      const known = ids.map((id) => cache.get(recordKey(namespace, id)));
      areRemembered = known.filter((record) => record !== undefined).length * 2 > ids.length;
      if (areRemembered) {
        for (const [index, id] of ids.entries()) {
          const record = known[index] ?? reader.get<RecordRow>(RECORD, namespace, id)?.record;
          if (record !== undefined && !page.add(id, record)) break;
        }
        return { records: page.records, next: page.isFull ? page.last : undefined };
      }
    }
    const ids: string[] = [];
    reader.each<RecordRow>(`SELECT id, record ${rest}`, values, ({ id, record }) => {
      ids.push(id);
      return page.add(id, record);
    });
    // A short answer is worth remembering, and the beginning of a long one; all of it would push out everything else.
    if (after === "") {
      for (const [index, record] of page.records.entries()) cache.set(recordKey(namespace, ids[index] ?? ""), record);
    }
    return { records: page.records, next: page.isFull ? page.last : undefined };
  };
}

/** Code decides over ids and labels; only what it picks is read whole. */
function filteredPage(
  { cache, namespace }: ContainerPagesOptions,
  plan: ContainerPlan,
  matches: (row: CandidateRow, labels: ReadonlyMap<string, string>) => boolean,
): PageReader {
  const { candidates } = plan;
  const narrowed = candidates === undefined ? "" : ` AND id IN (${candidates.sql})`;
  const rest = `${WHERE_BEHIND}${narrowed} ORDER BY id LIMIT ?`;
  const readRows = (reader: Reader, values: readonly SqlValue[]): CandidateRow[] =>
    plan.needsRow
      ? reader.all(`SELECT id, image, runtime_name AS runtimeName ${rest}`, ...values)
      : reader.column<string>(`SELECT id ${rest}`, ...values).map((id) => ({ id, image: "", runtimeName: "" }));
  const none = new Map<string, string>();
  return (reader, after) => {
    const rows = readRows(reader, [namespace, after, ...(candidates?.values ?? []), PAGE_CANDIDATES]);
    const labels = readLabels(reader, namespace, plan, rows);
    const page = new PageBuilder();
    for (const row of rows) {
      if (!matches(row, labels.get(row.id) ?? none)) continue;
      const known = cache.get(recordKey(namespace, row.id));
      const record = known ?? reader.get<RecordRow>(RECORD, namespace, row.id)?.record;
      if (record !== undefined && !page.add(row.id, record)) return { records: page.records, next: row.id };
    }
    return { records: page.records, next: rows.length < PAGE_CANDIDATES ? undefined : rows.at(-1)?.id };
  };
}

export interface ContainerPagesOptions {
  readonly db: Database;
  readonly cache: RecordCache;
  readonly namespace: string;
  readonly filters: readonly string[];
  readonly signal: AbortSignal | undefined;
}

/** Encoded containers of a namespace by id, page by page. @throws invalid_argument for a bad filter, at the first page. */
export async function* containerPages(options: ContainerPagesOptions): AsyncGenerator<readonly Uint8Array[]> {
  const { db, namespace, filters, signal } = options;
  const filter = parseListFilters(filters);
  const plan = planContainers(filter, namespace);
  const readPage = plan.exact
    ? exactPage(options, plan)
    : filteredPage(options, plan, ({ id, image, runtimeName }, labels) =>
        filter.match(containerAdaptor({ id, image, runtimeName, labels })),
      );
  let after: string | undefined = "";
  while (after !== undefined) {
    const from: string = after;
    const page: Page = db.view((reader) => readPage(reader, from));
    if (page.records.length > 0) yield page.records;
    after = page.next;
    if (after !== undefined) await new Promise<void>((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }
}
