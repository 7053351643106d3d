// LXD's events about instances, for as long as there is a driver: listened to again when they break off, and whoever listens looks at
// everything then, since what happened meanwhile is not told again.
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../../../api/core/log.js";
import { openEvents } from "../../lxd/events.js";
import type { LxdServer } from "../../lxd/server.js";

const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;
const INSTANCE = /^\/1\.0\/instances\/([^/?]+)$/;

export interface LxdWatchDeps {
  readonly server: LxdServer;
  readonly log: Logger;
  /** `instance-stopped`, `instance-deleted`, … of the instance of that name. Must not throw. */
  readonly onEvent: (instance: string, action: string) => void;
  /** Compares all there is with LXD. */
  readonly onLook: () => Promise<void>;
}

export class LxdWatch implements AsyncDisposable {
  readonly #deps: LxdWatchDeps;
  readonly #disposed = new AbortController();
  readonly #running: Promise<void>;
  #firstLook: () => void = () => {};
  /** Resolves when all has been compared once, or LXD was found to be away. */
  readonly looked: Promise<void>;

  /** Begins at once. */
  constructor(deps: LxdWatchDeps) {
    this.#deps = deps;
    this.looked = new Promise((resolve) => {
      this.#firstLook = resolve;
    });
    this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { log } = this.#deps;
    const { signal } = this.#disposed;
    let backoffMs = FIRST_BACKOFF_MS;
    let isAway = false;
    while (!signal.aborted) {
      try {
        await this.#follow(() => {
          if (isAway) log.info({}, "lxd is back");
          isAway = false;
          backoffMs = FIRST_BACKOFF_MS;
        });
      } catch (err) {
        if (signal.aborted) return;
        if (!isAway) log.warn({ err }, "lxd is away");
        isAway = true;
      }
      this.#firstLook();
      await sleep(backoffMs, undefined, { signal, ref: false }).catch(() => undefined);
      backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS);
    }
  }

  async #follow(onOpen: () => void): Promise<void> {
    const { server, onEvent, onLook } = this.#deps;
    const { signal } = this.#disposed;
    using events = await openEvents(server, ["lifecycle"], { signal });
    const close = (): void => events[Symbol.dispose]();
    signal.addEventListener("abort", close, { once: true });
    try {
      onOpen();
      // What happens while it looks waits in the stream.
      await onLook();
      this.#firstLook();
      for await (const event of events.read()) {
        if (event.type !== "lifecycle") continue;
        const instance = INSTANCE.exec(event.metadata.source)?.[1];
        if (instance !== undefined) onEvent(decodeURIComponent(instance), event.metadata.action);
      }
    } finally {
      signal.removeEventListener("abort", close);
    }
  }
}
