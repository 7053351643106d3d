// The output of a console's connection, joined to the record of what was shown before.
import { setTimeout as sleep } from "node:timers/promises";
import type { Piece } from "../../bridge/source.js";
import { isConsoleRefusal } from "../console.js";
import { overlap, type SinceRecord, Undecorated } from "./console-text.js";

/** For what is on its way to us already. */
const ARRIVAL_MS = 200;
/** When the record is read while nothing is shown: what comes before LXC has connected us is in it alone. */
const RECORD_LOOKS_MS = [0, 50, 150, 300, 500];
/** LXD's words to who may not have the console are shorter. */
const MAX_WORDS_BYTES = 512;
const NOTHING = Buffer.alloc(0);

/** With something before them. */
export async function* pieces(
  source: AsyncIterable<Buffer> | Iterable<Buffer>,
  before?: Buffer,
): AsyncGenerator<Piece> {
  if (before !== undefined && before.length > 0) yield { kind: "stdout", data: before };
  for await (const data of source) if (data.length > 0) yield { kind: "stdout", data };
}

/**
 * What is shown from now on, and what was before: `readRecord` tells what the record has of it since it was read last, the end of which
 * the connection brings as well. Ends at once when somebody else has the console.
 * @param onAttached called when the console is ours: LXD says that it is connected while LXC is still at it. @throws as `output`.
 */
export async function* liveOutput(
  output: AsyncGenerator<Buffer>,
  readRecord: () => Promise<Buffer>,
  since: SinceRecord,
  onAttached: () => void,
): AsyncGenerator<Buffer> {
  const undecorated = new Undecorated();
  const begun = new Begun(output);
  let record: Buffer = NOTHING;
  let first: Buffer = NOTHING;
  for (const waitMs of RECORD_LOOKS_MS) {
    first = await begun.gather(() => false, waitMs);
    if (first.length > 0 || begun.hasEnded) break;
    [record, first] = await begun.during(readRecord());
    const { length } = record;
    if (first.length < length) first = Buffer.concat([first, await begun.gather((shown) => shown.length < length)]);
    if (first.length > 0) break;
    yield record;
    record = NOTHING;
  }
  // By then it has not been refused.
  if (first.length === 0 && !begun.hasEnded) {
    onAttached();
    first = await begun.first();
  }
  if (isConsoleRefusal(first)) {
    first = Buffer.concat([first, await begun.gather((more) => more.length < MAX_WORDS_BYTES)]);
    if (begun.hasEnded && first.length < MAX_WORDS_BYTES) first = NOTHING;
  }
  if (first.length > 0) onAttached();
  // What came before it, and was not in the record then.
  const [rest, shownMeanwhile] = await begun.during(readRecord());
  record = Buffer.concat([record, rest]);
  if (first.length > 0) first = Buffer.concat([first, shownMeanwhile]);
  const missing = record.length - first.length;
  if (first.length > 0 && missing > 0) {
    first = Buffer.concat([first, await begun.gather((more) => more.length < missing)]);
  }
  const live = undecorated.take(first);
  const fresh = live.subarray(overlap(record, live));
  since.add(fresh);
  yield Buffer.concat([record, fresh]);
  for await (const shown of begun.rest()) {
    const data = undecorated.take(shown);
    since.add(data);
    yield data;
  }
}

/** A source whose first pieces are waited for no longer than they take. */
class Begun {
  hasEnded = false;
  readonly #source: AsyncGenerator<Buffer>;
  /** Asked for and not come yet. */
  #next: Promise<IteratorResult<Buffer, void>> | undefined;

  constructor(source: AsyncGenerator<Buffer>) {
    this.#source = source;
  }

  /** Whenever it comes; empty at the end. */
  async first(): Promise<Buffer> {
    const arrived = await (this.#next ?? this.#source.next());
    this.#next = undefined;
    this.hasEnded = arrived.done === true;
    return arrived.done === true ? NOTHING : arrived.value;
  }

  /** What has come by the time that no more is wanted or none comes. */
  async gather(wantsMore: (shown: Buffer) => boolean, patienceMs = ARRIVAL_MS): Promise<Buffer> {
    if (this.hasEnded) return NOTHING;
    let shown = Buffer.alloc(0);
    do {
      this.#next ??= this.#source.next();
      this.#next.catch(() => undefined);
      const arrived = await Promise.race([this.#next, sleep(patienceMs)]);
      if (arrived === undefined) return shown;
      this.#next = undefined;
      if (arrived.done === true) this.hasEnded = true;
      else shown = Buffer.concat([shown, arrived.value]);
    } while (!this.hasEnded && wantsMore(shown));
    return shown;
  }

  /** Something done, and what has come meanwhile: LXC does nothing for others while nobody reads. */
  async during<T>(work: Promise<T>): Promise<[T, Buffer]> {
    const done = work.then(() => "done" as const);
    let shown = Buffer.alloc(0);
    while (!this.hasEnded) {
      this.#next ??= this.#source.next();
      this.#next.catch(() => undefined);
      const arrived = await Promise.race([this.#next, done]);
      if (arrived === "done") break;
      this.#next = undefined;
      if (arrived.done === true) this.hasEnded = true;
      else shown = Buffer.concat([shown, arrived.value]);
    }
    return [await work, shown];
  }

  async *rest(): AsyncGenerator<Buffer> {
    for (let data = await this.first(); !this.hasEnded; data = await this.first()) yield data;
  }
}
