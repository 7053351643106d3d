// What happened to the tasks, on its way to the daemon: in order, one after another, and each until the daemon says that it has it.
// @source containerd runtime/v2/shim/publisher.go
import { isUnavailable } from "../../api/core/errors.js";
import type { Logger } from "../../api/core/log.js";
import { type Clock, toTimestamp } from "../../api/core/time.js";
import type { Any } from "../../api/core/typeurl.js";
import { EventsService } from "../../api/gen/services/ttrpc/events/v1/events.js";
import type { Envelope } from "../../api/gen/types/event.js";
import { connectTtrpc, isTtrpcClosed, type TtrpcClient } from "../../runtime/ttrpc/client.js";
import { NAMESPACE_KEY } from "../../runtime/ttrpc/connection.js";

const CALL_TIMEOUT_MS = 5_000;
const RETRY_STEP_MS = 1_000;
const MAX_RETRY_MS = 5_000;
/** How long a daemon may be away: what is older than that is given up when it cannot be delivered. */
const KEEP_MS = 15_000;

export interface EventQueueDeps {
  readonly namespace: string;
  /** The daemon's socket for events. */
  readonly ttrpcAddress: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long a daemon may be away or refuse an event. Default: 15 seconds. */
  readonly keepMs?: number;
}

interface Waiting {
  readonly envelope: Envelope;
  readonly sinceMs: number;
}

export class EventQueue implements AsyncDisposable {
  readonly #deps: EventQueueDeps;
  readonly #waiting: Waiting[] = [];
  readonly #disposed = new AbortController();
  #client: TtrpcClient | undefined;
  #sending: Promise<void> | undefined;

  constructor(deps: EventQueueDeps) {
    this.#deps = deps;
  }

  /** Takes an event, with the time of this moment. */
  push(topic: string, event: Any): void {
    const { clock, namespace } = this.#deps;
    const envelope = { timestamp: toTimestamp(clock()), namespace, topic, event };
    this.#waiting.push({ envelope, sinceMs: performance.now() });
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
  }

  /** Resolves when all that is waiting has been delivered or given up, after `timeoutMs` at the latest. */
  async drained(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.#sending, expired]);
    clearTimeout(timer);
  }

  /** Gives up what has not been delivered. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed.abort();
    await this.#sending;
    await this.#client?.[Symbol.asyncDispose]();
  }

  async #send(): Promise<void> {
    let failures = 0;
    for (let head = this.#waiting[0]; head !== undefined; head = this.#waiting[0]) {
      if (this.#disposed.signal.aborted) return;
      try {
        await this.#forward(head.envelope);
        this.#waiting.shift();
        failures = 0;
      } catch (err) {
        failures += 1;
        this.#deps.log.debug({ err, topic: head.envelope.topic }, "event not delivered");
        const isAway = isTtrpcClosed(err) || isUnavailable(err);
        if (this.#giveUpOld(isAway) && !isAway) failures = 0;
        else await this.#pause(Math.min(failures * RETRY_STEP_MS, MAX_RETRY_MS));
      }
    }
  }

  /**
   * Of a daemon that is away all that are too old; of one that refuses an event, that one: the others have their own try.
   * @returns whether there were any.
   */
  #giveUpOld(isAway: boolean): boolean {
    const before = this.#waiting.length;
    const oldestMs = performance.now() - (this.#deps.keepMs ?? KEEP_MS);
    for (let head = this.#waiting[0]; head !== undefined && head.sinceMs < oldestMs; head = this.#waiting[0]) {
      this.#deps.log.warn({ topic: head.envelope.topic }, "event given up");
      this.#waiting.shift();
      if (!isAway) return true;
    }
    return this.#waiting.length < before;
  }

  /** A connection that the daemon has closed is only known for closed when it is used: then another one is made at once. */
  async #forward(envelope: Envelope): Promise<void> {
    try {
      await this.#call(envelope);
    } catch (error) {
      if (!isTtrpcClosed(error)) throw error;
      await this.#call(envelope);
    }
  }

  async #call(envelope: Envelope): Promise<void> {
    const { ttrpcAddress, namespace, log } = this.#deps;
    if (this.#client === undefined) {
      const client = await connectTtrpc(ttrpcAddress, { log, connectTimeoutMs: CALL_TIMEOUT_MS });
      this.#client = client;
      void client.closed.then(() => {
        if (this.#client === client) this.#client = undefined;
      });
    }
    const options = { timeoutMs: CALL_TIMEOUT_MS, metadata: { [NAMESPACE_KEY]: namespace } };
    await this.#client.call(EventsService.forward, { envelope }, options);
  }

  async #pause(delayMs: number): Promise<void> {
    const { signal } = this.#disposed;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, delayMs);
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      }
      signal.addEventListener("abort", done);
      if (signal.aborted) done();
    });
  }
}
