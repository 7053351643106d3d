// The output of a console's connection, joined to the record of what was shown before.
import { setTimeout as sleep } from "node:timers/promises";
import type { Piece } from "../../bridge/source.js";
import { isConsoleRefusal } from "../console.js";
import { type Delivered, overlap, Undecorated } from "./console-text.js";

/** For what is on its way to us already. */
const ARRIVAL_MS = 200;
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
 * What is shown from now on, and what was while the connection was being made: `missing` tells what the record has of it, some of which
 * the connection brings as well. Ends at once when somebody else has the console. @throws as `output`.
 */
export async function* liveOutput(
  output: AsyncGenerator<Buffer>,
  missing: () => Promise<Buffer>,
  delivered: Delivered,
): AsyncGenerator<Buffer> {
  const undecorated = new Undecorated();
  const begun = new Begun(output);
  const shownMeanwhile = await missing();
  let first =
    shownMeanwhile.length === 0 ? NOTHING : await begun.gather((shown) => shown.length < shownMeanwhile.length);
  const live = isConsoleRefusal(first) ? NOTHING : undecorated.take(first);
  const fresh = live.subarray(overlap(shownMeanwhile, live));
  delivered.add(fresh);
  yield Buffer.concat([shownMeanwhile, fresh]);
  if (first.length === 0) first = await begun.first();
  if (isConsoleRefusal(first)) {
    const said = Buffer.concat([first, await begun.gather((more) => more.length < MAX_WORDS_BYTES)]);
    if (begun.hasEnded && said.length < MAX_WORDS_BYTES) return;
    first = said;
  } else if (live.length > 0) {
    first = NOTHING;
  }
  const data = undecorated.take(first);
  delivered.add(data);
  yield data;
  for await (const shown of begun.rest()) {
    const data = undecorated.take(shown);
    delivered.add(data);
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
  async gather(wantsMore: (shown: Buffer) => boolean): Promise<Buffer> {
    let shown = Buffer.alloc(0);
    do {
      this.#next ??= this.#source.next();
      this.#next.catch(() => undefined);
      const arrived = await Promise.race([this.#next, sleep(ARRIVAL_MS)]);
      if (arrived === undefined) return shown;
      this.#next = undefined;
      if (arrived.done === true) this.hasEnded = true;
      else shown = Buffer.concat([shown, arrived.value]);
    } while (!this.hasEnded && wantsMore(shown));
    return shown;
  }

  async *rest(): AsyncGenerator<Buffer> {
    for (let data = await this.first(); !this.hasEnded; data = await this.first()) yield data;
  }
}
