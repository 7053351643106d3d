// One stream of an engine's events about our containers, for as long as there is a driver: dialled again when it breaks, and whoever
// listens looks at everything then. What the engine remembers of the meantime is asked for, too: an `oom` cannot be looked at.
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import type { Logger } from "../../../api/core/log.js";
import type { Engine } from "../../docker/engine.js";

const CONNECT_TIMEOUT_MS = 10_000;
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;
/** An engine that loses an event is found out after that long. */
const LOOK_MS = 30_000;
/** An engine may answer a moment before it listens for itself, and what it said last may be lost on the way. */
const OVERLAP_MS = 5_000;
/** An event is a few hundred bytes and the container's labels. */
const MAX_LINE_LENGTH = 4_194_304;

const eventSchema = z.object({
  Action: z.string(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()).default({}) }),
  // Nanoseconds since 1970, more than a number holds exactly.
  timeNano: z.number().optional(),
});

/** Something that happened to a container of ours. */
export interface ContainerEvent {
  readonly containerId: string;
  /** `die`, `exec_die`, `oom`, `destroy`, … as Docker names them. */
  readonly action: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** To about a microsecond; undefined when the engine does not say. */
  readonly timeNs: bigint | undefined;
}

/** Podman's words for the same. */
const ACTIONS: Readonly<Record<string, string>> = { died: "die", exec_died: "exec_die", remove: "destroy" };

export interface EngineWatchDeps {
  readonly engine: Engine;
  /** Labels of the containers that count. */
  readonly filters: { readonly label: string[] };
  readonly log: Logger;
  /** Told of one after another. Must not throw. */
  readonly onEvent: (event: ContainerEvent) => void;
  /** Compares all there is with the engine: at each connection (`isFirst`), and every so often. */
  readonly onLook: (isFirst: boolean) => Promise<void>;
}

export class EngineWatch implements AsyncDisposable {
  readonly #deps: EngineWatchDeps;
  readonly #disposed = new AbortController();
  readonly #running: Promise<void>;
  /** The newest event heard: what is told again after a break is no news. */
  #heardNs = 0n;
  /** Milliseconds since 1970 when a stream broke that has not been followed by another yet. */
  #brokenAtMs: number | undefined;
  #firstLook: () => void = () => {};
  /** Resolves when all has been compared once, or the engine was found to be away. */
  readonly looked: Promise<void>;

  /** Begins at once. */
  constructor(deps: EngineWatchDeps) {
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
        const stream = await this.#connect();
        if (isAway) log.info({}, "docker engine is back");
        isAway = false;
        backoffMs = FIRST_BACKOFF_MS;
        await this.#follow(stream).finally(() => {
          this.#brokenAtMs ??= Date.now();
        });
        log.debug({}, "the docker engine has ended its events");
      } catch (err) {
        if (signal.aborted) return;
        if (!isAway) log.warn({ err }, "docker engine is away");
        isAway = true;
      }
      this.#firstLook();
      await sleep(backoffMs, undefined, { signal, ref: false }).catch(() => undefined);
      backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS);
    }
  }

  async #connect(): Promise<NodeJS.ReadableStream> {
    const { engine, filters } = this.#deps;
    const since = Math.floor(((this.#brokenAtMs ?? Date.now()) - OVERLAP_MS) / 1000);
    const stream = await engine.call(
      "follow events",
      (docker, abortSignal) => docker.getEvents({ since, filters: { ...filters, type: ["container"] }, abortSignal }),
      { signal: this.#disposed.signal, timeoutMs: CONNECT_TIMEOUT_MS },
    );
    this.#brokenAtMs = undefined;
    return stream;
  }

  async #follow(stream: NodeJS.ReadableStream): Promise<void> {
    const end = (): void => {
      if ("destroy" in stream && typeof stream.destroy === "function") stream.destroy();
    };
    const { signal } = this.#disposed;
    signal.addEventListener("abort", end, { once: true });
    const timer = setInterval(() => void this.#look(false), LOOK_MS).unref();
    try {
      if (signal.aborted) return end();
      // What happens while it looks waits in the stream.
      await this.#look(true);
      this.#firstLook();
      const knownNs = this.#heardNs;
      let rest = "";
      stream.setEncoding("utf8");
      for await (const chunk of stream) {
        const lines = (rest + String(chunk)).split("\n");
        rest = lines.pop() ?? "";
        if (rest.length > MAX_LINE_LENGTH) throw new Error("an event of the docker engine has no end");
        for (const line of lines) this.#tell(line, knownNs);
      }
    } finally {
      clearInterval(timer);
      signal.removeEventListener("abort", end);
      end();
    }
  }

  async #look(isFirst: boolean): Promise<void> {
    try {
      await this.#deps.onLook(isFirst);
    } catch (err) {
      if (!this.#disposed.signal.aborted)
        this.#deps.log.warn({ err }, "looking at the docker engine's containers failed");
    }
  }

  #tell(line: string, knownNs: bigint): void {
    if (line.trim() === "") return;
    try {
      const { Action, Actor, timeNano } = eventSchema.parse(JSON.parse(line));
      const timeNs = timeNano === undefined ? undefined : BigInt(Math.trunc(timeNano));
      if (timeNs !== undefined && timeNs <= knownNs) return;
      this.#heardNs = timeNs ?? this.#heardNs;
      const action = ACTIONS[Action] ?? Action;
      this.#deps.onEvent({ containerId: Actor.ID, action, attributes: Actor.Attributes, timeNs });
    } catch (err) {
      this.#deps.log.warn({ err }, "an event of the docker engine was not understood");
    }
  }
}
