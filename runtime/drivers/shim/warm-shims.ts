// The shims that are kept started ahead of need: when there are any, how many, until when. They are for a namespace and a program
// that have had a task lately. A new one is started when nobody waits for anything, or soon in any case: under load too each is used.
import type { Logger } from "../../../api/core/log.js";
import type { Activity } from "./activity.js";
import { endWarmShim, freshWarmName, type WarmName, type WarmShim } from "./warm-shim.js";

/** All that are kept together, however many namespaces there are. */
const MAX_WARM = 16;
/** How long a namespace may go without a new task. */
const IDLE_MS = 60_000;
/** A moment in which nothing was asked of shims, longer than a client takes from create to start; and how long it is waited for. */
const QUIET_MS = 30;
const QUIET_LIMIT_MS = 250;

export interface WarmShimsDeps {
  readonly stateDir: string;
  readonly log: Logger;
  /** How many are kept for a namespace and program; 0 for none. */
  readonly count: number;
  readonly activity: Activity;
  readonly start: (name: WarmName, binary: string) => Promise<WarmShim>;
  /** Default: a minute. */
  readonly idleMs?: number;
}

interface Shelf {
  readonly namespace: string;
  readonly binary: string;
  readonly shims: Set<WarmShim>;
  filling: Promise<void> | undefined;
  idle: NodeJS.Timeout | undefined;
}

export class WarmShims implements AsyncDisposable {
  readonly #deps: WarmShimsDeps;
  readonly #shelves = new Map<string, Shelf>();
  /** Every one that this daemon has started and that is still there, with a task or without. */
  readonly #names = new Set<WarmName>();
  readonly #ending = new Set<Promise<void>>();
  readonly #disposed = new AbortController();

  constructor(deps: WarmShimsDeps) {
    this.#deps = deps;
  }

  /** The names of all shims that were started here and still run, those that have a task by now included. */
  names(): readonly WarmName[] {
    return [...this.#names];
  }

  /** One that waits for a task; it belongs to the caller from then on. undefined when there is none. */
  take(namespace: string, binary: string): WarmShim | undefined {
    const shelf = this.#shelves.get(keyOf(namespace, binary));
    for (const shim of shelf?.shims ?? []) {
      if (shim.connection.isClosed) continue;
      shelf?.shims.delete(shim);
      return shim;
    }
    return undefined;
  }

  /** A task was made: from now on, for a while, shims are kept ready for the next ones. */
  wanted(namespace: string, binary: string): void {
    if (this.#deps.count === 0 || this.#disposed.signal.aborted) return;
    const key = keyOf(namespace, binary);
    const shelf = this.#shelves.get(key) ?? {
      namespace,
      binary,
      shims: new Set(),
      filling: undefined,
      idle: undefined,
    };
    this.#shelves.set(key, shelf);
    clearTimeout(shelf.idle);
    shelf.idle = setTimeout(() => this.#clear(key, shelf), this.#deps.idleMs ?? IDLE_MS).unref();
    shelf.filling ??= this.#fill(key, shelf).finally(() => {
      shelf.filling = undefined;
    });
  }

  /** Ends all that have no task. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed.abort();
    const shelves = [...this.#shelves];
    await Promise.all(shelves.map(async ([, { filling }]) => await filling));
    for (const [key, shelf] of shelves) this.#clear(key, shelf);
    await Promise.all(this.#ending);
  }

  async #fill(key: string, shelf: Shelf): Promise<void> {
    const { activity, count, log, start, stateDir } = this.#deps;
    const isWanted = (): boolean => this.#shelves.get(key) === shelf && !this.#disposed.signal.aborted;
    while (isWanted() && shelf.shims.size < count && this.#total() < MAX_WARM) {
      await activity.quiet(QUIET_MS, QUIET_LIMIT_MS, this.#disposed.signal);
      if (!isWanted()) return;
      const name = freshWarmName(stateDir, shelf.namespace);
      this.#names.add(name);
      try {
        const shim = await start(name, shelf.binary);
        void shim.connection.closed.then(() => this.#lost(shelf, shim));
        shelf.shims.add(shim);
        if (!isWanted()) this.#clear(key, shelf);
      } catch (err) {
        this.#names.delete(name);
        // The next task starts its own shim, and says what is wrong.
        log.warn({ err, namespace: shelf.namespace, binary: shelf.binary }, "starting a warm shim failed");
        return;
      }
    }
  }

  #total(): number {
    return [...this.#shelves.values()].reduce((sum, { shims }) => sum + shims.size, 0);
  }

  /** The connection has ended. One that nobody had taken is replaced by the next task's call for more. */
  #lost(shelf: Shelf, shim: WarmShim): void {
    this.#names.delete(shim.name);
    if (shelf.shims.delete(shim)) this.#end(shim);
  }

  #clear(key: string, shelf: Shelf): void {
    if (this.#shelves.get(key) === shelf) this.#shelves.delete(key);
    clearTimeout(shelf.idle);
    for (const shim of shelf.shims) this.#end(shim);
    shelf.shims.clear();
  }

  #end(shim: WarmShim): void {
    const ending = endWarmShim(shim, this.#deps.log).finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}

const keyOf = (namespace: string, binary: string): string => `${namespace} ${binary}`;
