// A write transaction as the stores see it: statements, the revision of this commit, the events that are written with it, and
// the namespace that a write brings into being.
import type { EventEnvelope, LedgerEvent } from "../api/core/event.js";
import type { Any } from "../api/core/typeurl.js";
import { type EventWriter, insertEvent } from "./event-rows.js";
import type { SqlValue, Statements, Writer } from "./statements.js";

const INSERT_NAMESPACE = "INSERT INTO namespaces (name, revision) VALUES (?, ?) ON CONFLICT DO NOTHING";
const SET_REVISION = "UPDATE meta SET revision = ?";

export class Transaction implements EventWriter {
  readonly #statements: Statements;
  readonly #nextRevision: number;
  #wrote = false;
  #changed = false;
  #ended = false;
  readonly #afterwards: (() => void)[] = [];
  /** The instant of this transaction, nanoseconds since 1970: every time it stamps is the same. */
  readonly nowNs: bigint;
  readonly #backends = new Set<string>();
  #dirty = false;
  /** What {@link publish} wrote, in order. */
  readonly published: LedgerEvent[] = [];

  constructor(statements: Statements, nextRevision: number, nowNs: bigint) {
    this.#statements = statements;
    this.#nextRevision = nextRevision;
    this.nowNs = nowNs;
  }

  get<Row>(sql: string, ...values: readonly SqlValue[]): Row | undefined {
    this.#requireOpen();
    return this.#statements.get<Row>(sql, ...values);
  }

  all<Row>(sql: string, ...values: readonly SqlValue[]): Row[] {
    this.#requireOpen();
    return this.#statements.all<Row>(sql, ...values);
  }

  column<Value>(sql: string, ...values: readonly SqlValue[]): Value[] {
    this.#requireOpen();
    return this.#statements.column<Value>(sql, ...values);
  }

  each<Row>(sql: string, values: readonly SqlValue[], visit: (row: Row) => boolean): void {
    this.#requireOpen();
    this.#statements.each(sql, values, visit);
  }

  run(sql: string, ...values: readonly SqlValue[]): ReturnType<Writer["run"]> {
    this.#requireOpen();
    const result = this.#statements.run(sql, ...values);
    if (result.changes > 0) this.#wrote = true;
    return result;
  }

  /** The number of this commit, one more than the last one that changed something. Asking for it says that this one does. */
  get revision(): number {
    if (!this.#changed) {
      this.#changed = true;
      this.run(SET_REVISION, this.#nextRevision);
    }
    return this.#nextRevision;
  }

  /** Says that this commit changes something that no row shows. */
  noteChange(): void {
    void this.revision;
  }

  /**
   * Says that this commit deletes something that may have held something else, and which backend may then have bytes to free.
   * @param backend `content` or `snapshots/<snapshotter>`; none for records that have no bytes of their own.
   */
  noteGarbage(backend?: string): void {
    this.#dirty = true;
    if (backend !== undefined) this.#backends.add(backend);
  }

  /** This commit as the collector counts it. */
  get mutation(): { readonly dirty: boolean; readonly backends: ReadonlySet<string> } {
    return { dirty: this.#dirty, backends: this.#backends };
  }

  /** Before the commit: what has written anything counts as a change. Answers whether this one does. */
  settle(): boolean {
    if (this.#wrote) this.noteChange();
    return this.#changed;
  }

  /** The first write of any object in a namespace makes the namespace. */
  touchNamespace(name: string): void {
    this.run(INSERT_NAMESPACE, name, this.revision);
  }

  /** Runs `then` in the moment in which this transaction is committed, before anything else is read; never if it is undone. */
  onCommit(then: () => void): void {
    this.#requireOpen();
    this.#afterwards.push(then);
  }

  /** To be called right behind the commit. */
  committed(): void {
    for (const then of this.#afterwards) then();
  }

  /** Writes an event of this instant; it leaves once this transaction is on disk, or never. */
  publish(namespace: string, topic: string, event: Any): void {
    this.publishAs({ timestampNs: this.nowNs, namespace, topic, event });
  }

  /** The same for an envelope that comes from elsewhere, with its own time. */
  publishAs(envelope: EventEnvelope): void {
    this.published.push(insertEvent(this, envelope));
  }

  /** What comes after the transaction must not go through it: it would be a write of its own that nothing syncs. */
  end(): void {
    this.#ended = true;
  }

  #requireOpen(): void {
    if (this.#ended) throw new TypeError("the transaction has ended");
  }
}
