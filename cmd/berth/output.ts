// Where records go: stdout, as a table for people or as JSON for programs. Messages about what went wrong go to stderr.
import { once } from "node:events";
import { errorKind } from "../../api/core/errors.js";
import { isHungUp } from "../../runtime/sys/hang-up.js";
import { SIGPIPE_STATUS } from "./exit-status.js";
import { hideWaiting } from "./progress/waiting.js";
import { type Colour, type ColourChoice, type ColourName, createColour } from "./render/colour.js";
import { fieldText, pickFields } from "./render/fields.js";
import { renderJson } from "./render/json.js";
import { createScreen, type Screen } from "./render/screen.js";
import { renderTable, type TableStyle } from "./render/table.js";

const READER_CHECK_MS = 250;

export type Format = "table" | "wide" | "json" | "jsonl";

/** One column of a table. Without `wide` it is always there; with it only in the wide form. */
export interface Column<T> {
  readonly title: string;
  readonly wide?: boolean;
  text(record: T): string;
  /** Of the cell on a terminal. */
  colour?(record: T): ColourName | undefined;
}

export interface Listing<T> {
  readonly columns: readonly Column<T>[];
  readonly style?: TableStyle;
  /** What `--quiet` prints, one a line. */
  readonly id: (record: T) => string;
  /** The record as JSON shows it. */
  readonly json: (record: T) => unknown;
  /** Names that `json` gives to some records only, so that `--fields` knows them always. */
  readonly fields?: readonly string[];
}

export interface OutputOptions {
  readonly format: Format;
  /** Names of `json(record)`, dotted for members of members; they replace the columns. */
  readonly fields?: readonly string[] | undefined;
  /** Only the ids. */
  readonly quiet?: boolean | undefined;
  readonly colour?: ColourChoice | undefined;
}

export class Output {
  readonly format: Format;
  /** `-q`: whoever would ask the daemon for more than the ids need not. */
  readonly quiet: boolean;
  /** Of stdout. */
  readonly colour: Colour;
  readonly #options: OutputOptions;
  readonly #complaint: string;
  readonly #write: (text: string) => void;

  /** @param write where text goes. Default: stdout. */
  constructor(options: OutputOptions, write: (text: string) => void = toStdout) {
    this.format = options.format;
    this.quiet = options.quiet === true;
    this.colour = createColour(process.stdout, options.colour);
    this.#complaint = createColour(process.stderr, options.colour).red("berth:");
    this.#options = options;
    this.#write = write;
    endWithoutReader();
  }

  /** Nothing was asked for in particular: what is printed is read by a person, and may be said in words. */
  get isForPeople(): boolean {
    return this.isTable && !this.quiet && this.#options.fields === undefined;
  }

  /** The format is one for people. */
  get isTable(): boolean {
    return this.format === "table" || this.format === "wide";
  }

  /** The same, with its text handed to `write`. */
  redirected(write: (text: string) => void): Output {
    return new Output(this.#options, write);
  }

  /** A display that is drawn again and again in the same place. */
  screen(): Screen {
    return createScreen(process.stdout);
  }

  /** A line of text, in every format. */
  line(text: string): void {
    this.#write(`${text}\n`);
  }

  /** Text that ends its own lines. */
  text(text: string): void {
    this.#write(text);
  }

  /** Bytes as they come, no faster than they are read. */
  async bytes(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of chunks) {
      if (!process.stdout.write(chunk)) await once(process.stdout, "drain");
    }
  }

  /** A document: indented JSON, or one line of it with `--format jsonl`. */
  document(value: unknown): void {
    const { fields } = this.#options;
    if (fields !== undefined && this.isTable) this.#table(fields, [value], {});
    else {
      const [picked] = fields === undefined ? [value] : pickFields([value], fields);
      this.line(renderJson(picked, this.format === "jsonl" ? 0 : 4));
    }
  }

  /** One record of those that come one after the other: a line. */
  record(json: () => unknown, text: () => string): void {
    this.line(this.recordText(json, text));
  }

  /** The line of {@link Output.record}, for a command that writes many at once. @param known fields that a record may lack */
  recordText(json: () => unknown, text: () => string, known: readonly string[] = []): string {
    const { fields } = this.#options;
    if (fields === undefined) return this.isTable ? text() : renderJson(json(), 0);
    const [picked = {}] = pickFields([json()], fields, known);
    return this.isTable ? Object.values(picked).map(fieldText).join("\t") : renderJson(picked, 0);
  }

  /** Fields were picked, whatever the format. */
  get picksFields(): boolean {
    return this.#options.fields !== undefined;
  }

  /** Many records of a kind. */
  list<T>(records: readonly T[], listing: Listing<T>, options: { readonly quiet?: boolean } = {}): void {
    const { fields } = this.#options;
    if (options.quiet ?? this.quiet) {
      for (const record of records) this.line(listing.id(record));
    } else if (this.isTable && fields === undefined) {
      const columns = listing.columns.filter((column) => column.wide !== true || this.format === "wide");
      const rows = records.map((record) => columns.map((column) => column.text(record)));
      this.text(
        renderTable([columns.map((column) => column.title), ...rows], listing.style, (row, column, cell) => {
          const record = records[row - 1];
          const colour = record === undefined ? "bold" : columns[column]?.colour?.(record);
          return colour === undefined ? cell : this.colour[colour](cell);
        }),
      );
    } else if (this.isTable && fields !== undefined) {
      this.#table(fields, records.map(listing.json), listing);
    } else {
      const shown = records.map(listing.json);
      const picked = fields === undefined ? shown : pickFields(shown, fields, listing.fields);
      if (this.format === "json") this.line(renderJson(picked, 2));
      else for (const record of picked) this.line(renderJson(record, 0));
    }
  }

  /** Picked fields, under their names. */
  #table(
    fields: readonly string[],
    records: readonly unknown[],
    listing: { readonly fields?: readonly string[] },
  ): void {
    const rows = pickFields(records, fields, listing.fields).map((record) => Object.values(record).map(fieldText));
    const titles = fields.map((field) => field.toUpperCase());
    this.text(
      renderTable([titles, ...rows], { lastColumn: "bare" }, (row, _, cell) =>
        row === 0 ? this.colour.bold(cell) : cell,
      ),
    );
  }

  /** Something that did not stop the command. */
  warn(message: string): void {
    hideWaiting();
    process.stderr.write(`${this.#complaint} ${message}\n`);
  }

  /** A failure that does not end the command; with a JSON format an object like that of the one that does. */
  problem(error: unknown): void {
    if (this.isTable) this.warn(messageOf(error));
    else process.stderr.write(`${errorJson(error)}\n`);
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

/** What an error says, on one line or more. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.trim() : String(error);
}

/** A failure for programs: one line of JSON. */
export function errorJson(error: unknown, hint?: string, kind: string = errorKind(error)): string {
  return renderJson({ error: { kind, message: messageOf(error), hint } }, 0);
}

function toStdout(text: string): void {
  hideWaiting();
  process.stdout.write(text);
}

/** From here the loss of stdout or stderr ends this program without a word. May be called again. */
export function endWithoutReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    if (!stream.listeners("error").includes(onLost)) stream.on("error", onLost);
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
