// Prepared statements by their text: each is compiled once per connection. The only place where rows get their types.
import type Sqlite from "better-sqlite3";

export type SqlValue = string | number | bigint | Uint8Array | null;

/** Reading: what a view and a transaction have in common. Rows are plain objects, integers are numbers. */
export interface Reader {
  get<Row>(sql: string, ...values: readonly SqlValue[]): Row | undefined;
  all<Row>(sql: string, ...values: readonly SqlValue[]): Row[];
  /** The first column of each row. */
  column<Value>(sql: string, ...values: readonly SqlValue[]): Value[];
  /** Hands out rows one by one until `visit` says false: for rows that may be large, so that only those wanted are read. */
  each<Row>(sql: string, values: readonly SqlValue[], visit: (row: Row) => boolean): void;
}

/** Reading and writing, inside a transaction. */
export interface Writer extends Reader {
  run(
    sql: string,
    ...values: readonly SqlValue[]
  ): { readonly changes: number; readonly lastInsertRowid: number | bigint };
}

/** Enough for every constant text; those made from clients' filters push each other out. */
const MAX_STATEMENTS = 300;

export class Statements implements Writer {
  readonly #connection: Sqlite.Database;
  readonly #prepared = new Map<string, Sqlite.Statement>();

  constructor(connection: Sqlite.Database) {
    this.#connection = connection;
  }

  // The casts state what the SQL text beside each call selects; the schema's STRICT tables keep the column types.
  get<Row>(sql: string, ...values: readonly SqlValue[]): Row | undefined {
    return this.#prepare(sql).get(...values) as Row | undefined;
  }

  all<Row>(sql: string, ...values: readonly SqlValue[]): Row[] {
    return this.#prepare(sql).all(...values) as Row[];
  }

  column<Value>(sql: string, ...values: readonly SqlValue[]): Value[] {
    const statement = this.#prepare(sql);
    statement.pluck(true);
    try {
      return statement.all(...values) as Value[];
    } finally {
      statement.pluck(false); // the same text may be asked for rows
    }
  }

  each<Row>(sql: string, values: readonly SqlValue[], visit: (row: Row) => boolean): void {
    for (const row of this.#prepare(sql).iterate(...values)) if (!visit(row as Row)) return;
  }

  run(sql: string, ...values: readonly SqlValue[]): Sqlite.RunResult {
    return this.#prepare(sql).run(...values);
  }

  #prepare(sql: string): Sqlite.Statement {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.#connection.prepare(sql);
    this.#prepared.set(sql, statement);
    if (this.#prepared.size > MAX_STATEMENTS) {
      const [oldest] = this.#prepared.keys();
      if (oldest !== undefined) this.#prepared.delete(oldest);
    }
    return statement;
  }
}
