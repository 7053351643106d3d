// Where records go: stdout, as a table for people or as JSON for programs. Messages about what went wrong go to stderr.
import { once } from "node:events";
import { isHungUp } from "../../runtime/sys/hang-up.js";
import { SIGPIPE_STATUS } from "./exit-status.js";
import { renderJson } from "./render/json.js";
import { renderTable, type TableStyle } from "./render/table.js";

const READER_CHECK_MS = 250;

export type Format = "table" | "wide" | "json" | "jsonl";

/** One column of a table. Without `wide` it is always there; with it only in the wide form. */
export interface Column<T> {
  readonly title: string;
  readonly wide?: boolean;
  text(record: T): string;
}

export interface Listing<T> {
  readonly columns: readonly Column<T>[];
  readonly style?: TableStyle;
  /** What `--quiet` prints, one a line. */
  readonly id: (record: T) => string;
  /** The record as JSON shows it. */
  readonly json: (record: T) => unknown;
}

export class Output {
  readonly format: Format;

  constructor(format: Format) {
    this.format = format;
    process.stdout.on("error", onLost);
    process.stderr.on("error", onLost);
  }

  /** A line of text, in every format. */
  line(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  /** Text that ends its own lines. */
  text(text: string): void {
    process.stdout.write(text);
  }

  /** Bytes as they come, no faster than they are read. */
  async bytes(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of chunks) {
      if (!process.stdout.write(chunk)) await once(process.stdout, "drain");
    }
  }

  /** A document: indented JSON, or one line of it with `--format jsonl`. */
  document(value: unknown): void {
    this.line(renderJson(value, this.format === "jsonl" ? 0 : 4));
  }

  /** Many records of a kind. */
  list<T>(records: readonly T[], listing: Listing<T>, options: { readonly quiet?: boolean } = {}): void {
    if (options.quiet === true) {
      for (const record of records) this.line(listing.id(record));
    } else if (this.format === "json") {
      this.line(renderJson(records.map(listing.json), 2));
    } else if (this.format === "jsonl") {
      for (const record of records) this.line(renderJson(listing.json(record), 0));
    } else {
      const columns = listing.columns.filter((column) => column.wide !== true || this.format === "wide");
      const rows = records.map((record) => columns.map((column) => column.text(record)));
      this.text(renderTable([columns.map((column) => column.title), ...rows], listing.style));
    }
  }

  /** Something that did not stop the command. */
  warn(message: string): void {
    process.stderr.write(`berth: ${message}\n`);
  }

  /** For a command that waits long between its lines: whoever reads us ends it by leaving, also when nothing is written. */
  endWithReader(): void {
    setInterval(() => {
      if (isHungUp(process.stdout.fd)) onLost();
    }, READER_CHECK_MS).unref();
  }

  /** From here somebody else writes to stdout and stderr, and hears of their loss. */
  handOver(): void {
    for (const stream of [process.stdout, process.stderr]) {
      stream.off("error", onLost);
      // An error may come again with each write that was under way.
      stream.on("error", () => {});
    }
  }
}

/** Whoever read us has gone: nothing is left to say, as for any program in a pipe. */
function onLost(): void {
  process.exit(SIGPIPE_STATUS);
}

/** Resolves when all that was written has left, or never will. */
export async function flushed(): Promise<void> {
  await Promise.all(
    [process.stdout, process.stderr].map(
      (stream) => new Promise<void>((resolve) => (stream.writable ? stream.write("", () => resolve()) : resolve())),
    ),
  );
}
