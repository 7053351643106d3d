// The event ledger: events are rows, written in the transaction of their change, numbered in the order of commits, and told to
// subscribers once they are on disk. A subscriber reads the rows at its own pace; the newest come from memory.
// @source containerd core/events/exchange/exchange.go for what is delivered to whom
import { errorOf } from "../api/core/errors.js";
import type {
  EventEnvelope,
  EventHistory,
  EventStream,
  LedgerEvent,
  LedgerReading,
  ReadLedgerOptions,
  SubscribeOptions,
} from "../api/core/event.js";
import type { ExitDetails, ExitRequest } from "../api/core/exit-record.js";
import type { ProcessExit } from "../api/core/task.js";
import type { OpenProcess, ProcessName, TaskLedger, TaskName } from "../api/core/task-ledger.js";
import { type Clock, systemClock } from "../api/core/time.js";
import { noteRequest } from "./attempts.js";
import type { CommitObserver, Database } from "./db.js";
import { eventMatcher, withinTimes } from "./event-filter.js";
import { ledgerBounds, positionAt, readEvents } from "./event-rows.js";
import { addLastLines, endsWithoutLines } from "./exit-lines.js";
import { ExitRecorder } from "./exit-recorder.js";
import { LedgerPast } from "./ledger-past.js";
import { RecentEvents } from "./recent-events.js";
import { type LedgerSource, Subscription } from "./subscription.js";
import { readToldExit, type ToldProcess } from "./told-exits.js";
import { noteTelling, readOpenProcesses } from "./told-processes.js";
import { validateEnvelope } from "./validate-envelope.js";

/** Tells of what has happened already, and changes no record. */
const BEHIND_THE_SCENES = { evenWhenFull: true, bookkeeping: true };

const gap = (after: bigint, first: bigint): Error =>
  errorOf("out_of_range", `events behind ${after} are gone: the ledger begins at ${first}`);

export class SqliteEventLedger implements TaskLedger, EventHistory, CommitObserver, LedgerSource, Disposable {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #recent = new RecentEvents();
  readonly #subscriptions = new Set<Subscription>();
  #pending: EventEnvelope[] = [];
  #writing: Promise<void> | undefined;
  #durable: bigint;
  /** The oldest event still kept; moves as old ones are trimmed. */
  #first: bigint;

  constructor(db: Database, clock: Clock = systemClock) {
    this.#db = db;
    this.#clock = clock;
    const { first, last } = db.view(ledgerBounds);
    this.#first = first;
    this.#durable = last;
    db.observe(this);
  }

  async append(envelopes: readonly EventEnvelope[]): Promise<void> {
    for (const envelope of envelopes) validateEnvelope(envelope);
    this.#pending.push(...envelopes);
    this.#writing ??= this.#writePending();
    await this.#writing;
  }

  /** Nothing can refuse one of them any more, so those that one read from a connection brought share a transaction. */
  async #writePending(): Promise<void> {
    await new Promise<void>((resolve) => process.nextTick(resolve));
    const envelopes = this.#pending;
    this.#pending = [];
    this.#writing = undefined;
    await this.#db.update(
      (tx) => {
        for (const envelope of envelopes) tx.publishAs(envelope);
      },
      { bookkeeping: true },
    );
  }

  async tell(envelopes: readonly EventEnvelope[], details?: ExitDetails): Promise<void> {
    for (const envelope of envelopes) validateEnvelope(envelope);
    await this.#db.update((tx) => {
      const recorder = new ExitRecorder(tx, details);
      for (const envelope of envelopes) {
        const news = noteTelling(tx, envelope);
        if (news === "known") continue;
        tx.publishAs(envelope);
        recorder.take(envelope, news);
      }
    }, BEHIND_THE_SCENES);
  }

  async noteRequest(process: ProcessName, request: ExitRequest | undefined): Promise<void> {
    const { namespace, containerId: container, execId: exec } = process;
    await this.#db.update((tx) => noteRequest(tx, { namespace, container, exec }, request), BEHIND_THE_SCENES);
  }

  async noteLastLines(task: TaskName, lines: readonly Uint8Array[]): Promise<void> {
    await this.#db.update((tx) => addLastLines(tx, task, lines), BEHIND_THE_SCENES);
  }

  async endsWithoutLines(): Promise<TaskName[]> {
    return this.#db.view(endsWithoutLines);
  }

  async openProcesses(task?: { readonly namespace: string; readonly containerId: string }): Promise<OpenProcess[]> {
    return this.#db.view((reader) => readOpenProcesses(reader, task));
  }

  async exitOf(process: ToldProcess): Promise<ProcessExit | undefined> {
    return this.#db.view((reader) => readToldExit(reader, process));
  }

  subscribe(options: SubscribeOptions = {}): EventStream {
    return this.#open(options.after ?? this.#durable, eventMatcher(options.filters ?? []), options.signal);
  }

  read(options: ReadLedgerOptions = {}): LedgerReading {
    const { after, sinceNs, untilNs, follow = false, filters = [], signal } = options;
    if (after !== undefined) this.#requirePosition(after);
    const matchesFilters = eventMatcher(filters);
    const isWithin = withinTimes(sinceNs, untilNs);
    const start = this.#startOf(after, sinceNs);
    const ends = { clock: this.#clock, untilNs, follow, position: () => this.#durable };
    return new LedgerPast(start, ends, (onEnd) =>
      this.#open(start, (event) => isWithin(event) && matchesFilters(event), signal, onEnd),
    );
  }

  /** Behind which event a reading begins. */
  #startOf(after: bigint | undefined, sinceNs: bigint | undefined): bigint {
    const oldest = after ?? this.#first - 1n;
    if (sinceNs === undefined) return oldest;
    const young = this.#db.view((reader) => positionAt(reader, this.bounds, sinceNs));
    return young > oldest ? young : oldest;
  }

  #requirePosition(after: bigint): void {
    if (after + 1n < this.#first) throw gap(after, this.#first);
    if (after > this.#durable)
      throw errorOf("out_of_range", `event ${after} is ahead of the ledger, which is at ${this.#durable}`);
  }

  #open(
    after: bigint,
    matches: (event: LedgerEvent) => boolean,
    signal: AbortSignal | undefined,
    onEnd: () => void = () => {},
  ): Subscription {
    this.#requirePosition(after);
    const subscription = new Subscription({
      source: this,
      after,
      matches,
      signal,
      onEnd: (ended) => {
        this.#subscriptions.delete(ended);
        onEnd();
      },
    });
    if (!signal?.aborted) this.#subscriptions.add(subscription);
    return subscription;
  }

  page(after: bigint, limit: number): readonly LedgerEvent[] {
    if (after >= this.#durable) return [];
    const upTo = this.#durable;
    const events =
      this.#recent.read(after, upTo, limit) ?? this.#db.view((reader) => readEvents(reader, after, upTo, limit));
    // Positions have no holes: a transaction that is undone gives its numbers back. So one that is missing was trimmed.
    if (events[0]?.seq !== after + 1n) throw gap(after, this.#db.view(ledgerBounds).first);
    return events;
  }

  committed(events: readonly LedgerEvent[]): void {
    // Without a subscriber it would only be garbage that has grown old.
    if (this.#subscriptions.size > 0) this.#recent.add(events);
    else this.#recent.clear();
  }

  durable(seq: bigint): void {
    if (seq <= this.#durable) return;
    this.#durable = seq;
    for (const subscription of this.#subscriptions) subscription.wake();
  }

  get position(): bigint {
    return this.#durable;
  }

  /** The position that the slowest open subscription has reached; the newest one without any. */
  get slowest(): bigint {
    let slowest = this.#durable;
    for (const { position } of this.#subscriptions) if (position < slowest) slowest = position;
    return slowest;
  }

  get bounds(): { readonly first: bigint; readonly last: bigint } {
    return { first: this.#first, last: this.#durable };
  }

  /** Told when events before `first` have been forgotten. */
  trimmed(first: bigint): void {
    this.#first = first;
  }

  /** Ends every subscription. */
  [Symbol.dispose](): void {
    for (const subscription of [...this.#subscriptions]) subscription.close();
  }
}
