// LXD's events about instances, for as long as there is a driver: listened to again when they break off, and whoever listens looks at
// everything then, since what happened meanwhile is not told again.
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../../../api/core/log.js";
import { openEvents } from "../../lxd/events.js";
import type { LxdServer } from "../../lxd/server.js";

const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;
/** A loss that nobody was told of is found out after that long. */
const LOOK_MS = 30_000;
const INSTANCE = /^\/1\.0\/instances\/([^/?]+)$/;

/** Something that happened to an instance. */
export interface InstanceEvent {
  /** Its name, the new one when it was renamed. */
  readonly instance: string;
  /** `instance-stopped`, `instance-deleted`, … as LXD names them. */
  readonly action: string;
  /** When it was renamed. */
  readonly oldName: string | undefined;
}

export interface LxdWatchDeps {
  readonly server: LxdServer;
  readonly log: Logger;
  /** Must not throw. */
  readonly onEvent: (event: InstanceEvent) => void;
  /** Compares all there is with LXD: at each connection, when ends of before are not told any more (`isFirst`), and every so often. */
  readonly onLook: (isFirst: boolean) => Promise<void>;
}

export class LxdWatch implements AsyncDisposable {
  readonly #deps: LxdWatchDeps;
  readonly #disposed = new AbortController();
  readonly #running: Promise<void>;
  #firstLook: () => void = () => {};
  #isListening = false;
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

  /** Whether what happens now will be told. */
  get isListening(): boolean {
    return this.#isListening;
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
    const { server, onEvent } = this.#deps;
    const { signal } = this.#disposed;
    using events = await openEvents(server, ["lifecycle"], { signal });
    const close = (): void => events[Symbol.dispose]();
    signal.addEventListener("abort", close, { once: true });
    const timer = setInterval(() => void this.#look(false), LOOK_MS).unref();
    try {
      this.#isListening = true;
      onOpen();
      // What happens while it looks waits in the stream.
      await this.#look(true);
      this.#firstLook();
      for await (const event of events.read()) {
        if (event.type !== "lifecycle") continue;
        const instance = INSTANCE.exec(event.metadata.source)?.[1];
        if (instance === undefined) continue;
        const { action, context } = event.metadata;
        const oldName = context?.["old_name"];
        const renamed = typeof oldName === "string" ? oldName : undefined;
        onEvent({ instance: decodeURIComponent(instance), action, oldName: renamed });
      }
    } finally {
      this.#isListening = false;
      clearInterval(timer);
      signal.removeEventListener("abort", close);
    }
  }

  async #look(isFirst: boolean): Promise<void> {
    try {
      await this.#deps.onLook(isFirst);
    } catch (err) {
      if (!this.#disposed.signal.aborted) this.#deps.log.warn({ err }, "looking at lxd's instances failed");
    }
  }
}
