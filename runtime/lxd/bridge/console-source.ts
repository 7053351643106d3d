// The console of an instance on the bridge, from its boot to its end: connected whenever the instance runs, and what was shown while
// nobody was connected is taken from LXC's record.
import { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { type ContainerdError, errorOf, isNotFound, isUnavailable } from "../../../api/core/errors.js";
import type { StreamRequest } from "../../bridge/protocol.js";
import type { Ahead, Connection, Size, Source, SourceDeps, SourceStatus } from "../../bridge/source.js";
import { clearConsoleLog, type LxdConsole, openConsole, readConsoleLog } from "../console.js";
import { type LxdEvents, openEvents } from "../events.js";
import { getInstanceState } from "../instances.js";
import { lxdPath } from "../path.js";
import type { LxdServer } from "../server.js";
import { setConsoleSize } from "./console-size.js";
import { SinceRecord } from "./console-text.js";
import { liveOutput, pieces } from "./live-console.js";
import type { ConsoleTarget } from "./target.js";

/** Between looks at an instance whose console ended, and at an LXD that is away. */
const SHORTEST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
/** How often it is looked for a start that no event has told. */
const START_LOOK_MS = 1_000;
/** What is held for a reader who does not read. An instance must not wait for him, as LXC does nothing else for it then. */
const AHEAD_BYTES = 8 * 1024 * 1024;
const DEFAULT_SIZE: Size = { columns: 80, rows: 24 };

/** @throws not_found; unavailable without LXD, unless it was open before. */
export async function openConsoleSource(
  server: LxdServer,
  { instance }: ConsoleTarget,
  { again }: StreamRequest,
  deps: SourceDeps,
  signal: AbortSignal,
): Promise<Source> {
  const source = new ConsoleSource(server, instance, deps);
  try {
    await source.begin(again, signal);
    return source;
  } catch (error) {
    if (again && isUnavailable(error)) return source;
    source.close();
    throw error;
  }
}

class ConsoleSource implements Source {
  readonly hasInputEnd = false;
  readonly #server: LxdServer;
  readonly #instance: string;
  readonly #deps: SourceDeps;
  readonly #since = new SinceRecord();
  #events: LxdEvents | undefined;
  /** Until its start is told. */
  #started: Promise<void> | undefined;
  #hasRun = false;
  #isLost = false;
  /** It was there. */
  #hasBegun = false;
  /** Of its init at the last look: another one has a record of its own. */
  #pid = 0;
  #size: Size | undefined;
  /** As it was read last and was not empty. */
  #lastRecord: Buffer = Buffer.alloc(0);
  /** The bridge before has delivered what the record holds now. */
  #isKnown = false;

  constructor(server: LxdServer, instance: string, deps: SourceDeps) {
    this.#server = server;
    this.#instance = instance;
    this.#deps = deps;
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  /** @throws as {@link openConsoleSource}. */
  async begin(again: boolean, signal: AbortSignal): Promise<void> {
    this.#isKnown = again;
    await this.#listen(signal);
    const status = await this.status(signal);
    this.#hasBegun = true;
    if (status === "running") return;
    this.#isKnown = false;
    // What an earlier run has left would pass for that of this one.
    await clearConsoleLog(this.#server, this.#instance, { signal }).catch(() => undefined);
  }

  async *connections(signal: AbortSignal): AsyncGenerator<Connection> {
    let awaySince: number | undefined;
    for (let pauseMs = SHORTEST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        const status = await this.status(signal);
        awaySince = undefined;
        if (status === "exited") break;
        if (status === "created") {
          await this.#untilStarted(signal);
          pauseMs = SHORTEST_PAUSE_MS;
          continue;
        }
        this.#closeEvents();
        const since = performance.now();
        yield await this.#connect(signal);
        if (performance.now() - since > LONGEST_PAUSE_MS) pauseMs = SHORTEST_PAUSE_MS;
      } catch (err) {
        if (signal.aborted) return;
        if (isUnavailable(err)) {
          awaySince ??= performance.now();
          this.#isLost = !this.#deps.isPatient(performance.now() - awaySince);
          if (this.#isLost) return;
        }
        this.#deps.log.debug({ err }, "no console of an lxd instance");
      }
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
    yield { outputs: [pieces([await this.#readRecord(signal)])], input: nobody(), destroy: () => {} };
  }

  ahead(): Promise<Ahead> {
    return Promise.resolve({ bytes: AHEAD_BYTES, beyond: "drop" });
  }

  async status(signal: AbortSignal): Promise<SourceStatus> {
    try {
      const { status, pid } = await getInstanceState(this.#server, this.#instance, { signal });
      if (status === "Stopped") return this.#hasRun ? "exited" : "created";
      if (pid !== 0 && pid !== this.#pid) {
        if (this.#pid !== 0) this.#since.clear();
        this.#pid = pid;
      }
      this.#hasRun = true;
      return "running";
    } catch (error) {
      if (isNotFound(error) && this.#hasBegun) return "exited";
      throw error;
    }
  }

  kill(): Promise<void> {
    return Promise.reject(noProcess(this.#instance));
  }

  async resize(size: Size): Promise<void> {
    this.#size = size;
    if (this.#pid !== 0) this.#applySize();
    await Promise.resolve();
  }

  exit(): Promise<never> {
    return Promise.reject(noProcess(this.#instance));
  }

  close(): void {
    this.#closeEvents();
  }

  #closeEvents(): void {
    this.#events?.[Symbol.dispose]();
    this.#events = undefined;
  }

  /** Resolves when it has started, as far as events tell, and after a while. Never rejects. */
  async #untilStarted(signal: AbortSignal): Promise<void> {
    await this.#listen(signal).catch(() => undefined);
    const look = new AbortController();
    const either = AbortSignal.any([signal, look.signal]);
    const waited = sleep(START_LOOK_MS, undefined, { signal: either }).catch(() => undefined);
    await Promise.race([waited, this.#started?.catch(() => waited) ?? waited]);
    look.abort();
  }

  /** Everything from then on is told. @throws as LXD answers. */
  async #listen(signal: AbortSignal): Promise<void> {
    if (this.#events !== undefined) return;
    const events = await openEvents(this.#server, ["lifecycle"], { signal });
    this.#events = events;
    this.#started = this.#hearStart(events);
    this.#started.catch(() => {
      if (this.#events === events) this.#closeEvents();
    });
  }

  /** @throws unavailable when the events end before. */
  async #hearStart(events: LxdEvents): Promise<void> {
    const source = lxdPath`/1.0/instances/${this.#instance}`;
    for await (const { type, metadata } of events.read()) {
      if (type !== "lifecycle" || metadata.action !== "instance-started") continue;
      if (metadata.source.split("?")[0] !== source) continue;
      this.#hasRun = true;
      return;
    }
    throw errorOf("unavailable", "lxd: events");
  }

  /** @throws as LXD answers. */
  async #connect(signal: AbortSignal): Promise<Connection> {
    const console = await openConsole(this.#server, this.#instance, { ...(this.#size ?? DEFAULT_SIZE), signal });
    if (this.#size !== undefined) this.#applySize();
    let onAttached = (): void => {};
    // What is typed before would be lost.
    const inputReady = new Promise<void>((resolve) => {
      onAttached = resolve;
    });
    const live = liveOutput(console.output, () => this.#readRecord(signal), this.#since, onAttached);
    const destroy = (): void => console[Symbol.dispose]();
    return { outputs: [pieces(live)], input: inputOf(console), inputReady, destroy };
  }

  /** What the record holds beyond what the connection has brought. Never rejects. */
  async #readRecord(signal: AbortSignal): Promise<Buffer> {
    try {
      const record = await readConsoleLog(this.#server, this.#instance, { signal });
      const last = this.#lastRecord;
      const isOld = this.#since.isEmpty && last.length > 0 && record.subarray(-last.length).equals(last);
      const missing = this.#since.take(record);
      if (record.length > 0) this.#lastRecord = record;
      const isKnown = this.#isKnown;
      this.#isKnown = false;
      // That of an instance that has ended has what was read before.
      if (isKnown || (isOld && (await this.status(signal)) !== "running")) return Buffer.alloc(0);
      return missing;
    } catch (err) {
      if (!signal.aborted) this.#deps.log.debug({ err }, "no record of the console of an lxd instance");
      return Buffer.alloc(0);
    }
  }

  #applySize(): void {
    try {
      if (this.#size !== undefined) setConsoleSize(this.#instance, this.#pid, this.#size);
    } catch (err) {
      this.#deps.log.debug({ err }, "the console of an lxd instance keeps its size");
    }
  }
}

const noProcess = (instance: string): ContainerdError => errorOf("not_found", `process of the console of ${instance}`);

const nobody = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });

function inputOf(console: LxdConsole): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      console.write(chunk).then(() => done(), done);
    },
  });
}
