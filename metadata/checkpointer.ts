// When the WAL is folded back into the file. A checkpoint syncs, so it runs in a worker on connections of its own: PASSIVE ones,
// which lock nobody out, when writing pauses or the WAL has grown; a RESTART, which holds writers, when the WAL is long enough to
// start over; a TRIM, which also cuts the file, after a long pause. Some of the file always stays: writing over it is
// cheaper to sync than making it grow. Writers that are held wait for `writable`, not in SQLite: no thread stands still.
import { Worker } from "node:worker_threads";
import type Sqlite from "better-sqlite3";
import type { Logger } from "../api/core/log.js";
import { CHECKPOINT_WORKER_SOURCE, type CheckpointWorkerData } from "./checkpoint-worker.js";
import { SQLITE_MODULE } from "./sqlite.js";

/** A TRIM is a RESTART that cuts the file to what is kept. */
export type CheckpointMode = "PASSIVE" | "RESTART" | "TRIM";

/** In pages of the WAL: how many it holds, and how many of them are in the file already. */
export interface CheckpointResult {
  readonly busy: number;
  readonly log: number;
  readonly checkpointed: number;
}

export interface CheckpointerOptions {
  /** The writing connection, asked (for some microseconds) how long the WAL is. */
  readonly connection: Sqlite.Database;
  readonly path: string;
  readonly log: Logger;
  /** Pause in writing after which a PASSIVE checkpoint runs. Default: 1000. */
  readonly quietMs?: number;
  /** Pause after which the WAL file is cut to `keepBytes`. Default: 30000. */
  readonly idleMs?: number;
  /** How much of the WAL file stays allocated. Default: 4 MiB. */
  readonly keepBytes?: number;
  /** Pages not yet in the file that call for a checkpoint amid writing. Default: 1000 (4 MB). */
  readonly backlogPages?: number;
  /** Pages in the WAL beyond which it starts over, but not twice within `spacingMs`. Default: 1000 (4 MB). */
  readonly enoughPages?: number;
  /** Pages beyond which it does so in any case. Default: 8000 (32 MB). */
  readonly limitPages?: number;
  /** Starting over holds writers for some syncs, so it is not to be frequent. Default: 1000. */
  readonly spacingMs?: number;
}

const COMMITS_BETWEEN_LOOKS = 64;

type Answer = { readonly result: CheckpointResult } | { readonly error: string };

export class Checkpointer implements AsyncDisposable {
  readonly #options: Required<CheckpointerOptions>;
  #worker: Worker | undefined;
  #running: Promise<CheckpointResult> | undefined;
  #writable: Promise<void> | undefined;
  #quietTimer: NodeJS.Timeout | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #startedOverAt = Number.NEGATIVE_INFINITY;
  #commits = 0;
  #closed = false;

  constructor(options: CheckpointerOptions) {
    this.#options = {
      quietMs: 1_000,
      idleMs: 30_000,
      keepBytes: 4 * 1024 * 1024,
      backlogPages: 1_000,
      enoughPages: 1_000,
      limitPages: 8_000,
      spacingMs: 1_000,
      ...options,
    };
  }

  /** Told of every commit; cheap. */
  noteCommit(): void {
    if (this.#closed) return;
    const { quietMs, idleMs, backlogPages } = this.#options;
    this.#quietTimer = this.#quietTimer?.refresh() ?? setTimeout(() => this.#fold(), quietMs).unref();
    this.#idleTimer = this.#idleTimer?.refresh() ?? setTimeout(() => this.#trim(), idleMs).unref();
    this.#commits += 1;
    if (this.#commits % COMMITS_BETWEEN_LOOKS !== 0 || this.#running !== undefined) return;
    const { log, checkpointed } = this.walSize();
    if (log - checkpointed >= backlogPages) this.#fold();
  }

  /** How long the WAL is, without changing anything. */
  walSize(): CheckpointResult {
    // better-sqlite3 types a pragma's rows as unknown; this one has always one row of these three columns.
    const [row] = this.#options.connection.pragma("wal_checkpoint(NOOP)") as [CheckpointResult];
    return row;
  }

  /** While a checkpoint locks writers out: when they may write again. Never rejects. */
  get writable(): Promise<void> | undefined {
    return this.#writable;
  }

  /** Runs one checkpoint in the worker. One at a time: while one runs, its result is everybody's. */
  run(mode: CheckpointMode): Promise<CheckpointResult> {
    if (this.#running !== undefined) return this.#running;
    const running = this.#ask(mode).finally(() => {
      this.#running = undefined;
    });
    this.#running = running;
    if (mode !== "PASSIVE") {
      this.#startedOverAt = performance.now();
      const end = (): void => {
        this.#writable = undefined;
      };
      this.#writable = running.then(end, end);
    }
    return running;
  }

  /** Folds in what can be; lets a WAL that is long enough start over. */
  #fold(): void {
    const { enoughPages, limitPages, spacingMs } = this.#options;
    this.#runAndLog("PASSIVE", ({ log }) => {
      const isSpaced = performance.now() - this.#startedOverAt >= spacingMs;
      // Under writing without a pause the worker never quite catches up, and a WAL starts over only when it is all folded in.
      // The rest is short now, so writers are not held for long.
      if (log > limitPages || (log > enoughPages && isSpaced)) this.#runAndLog("RESTART");
    });
  }

  #trim(): void {
    this.#runAndLog("TRIM", () => this.#stop()); // an idle process does not pay for a thread
  }

  #runAndLog(mode: CheckpointMode, then?: (result: CheckpointResult) => void): void {
    if (this.#closed) return;
    this.run(mode).then(
      (result) => {
        this.#options.log.debug({ mode, ...result }, "checkpoint");
        then?.(result);
      },
      (err: unknown) => this.#options.log.warn({ mode, err }, "checkpoint failed"),
    );
  }

  async #ask(mode: CheckpointMode): Promise<CheckpointResult> {
    const worker = this.#start();
    const answer = await new Promise<Answer>((resolve, reject) => {
      const stop = (code: number) => reject(new Error(`checkpoint worker ended with code ${code}`));
      worker.once("exit", stop);
      worker.once("message", (message: Answer) => {
        worker.off("exit", stop);
        resolve(message);
      });
      worker.postMessage(mode);
    });
    if ("error" in answer) throw new Error(answer.error);
    return answer.result;
  }

  /** The worker starts with the first checkpoint, keeps no process alive and is started anew if it died. */
  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const { path, keepBytes } = this.#options;
    const workerData: CheckpointWorkerData = { sqlite: SQLITE_MODULE, path, keepBytes };
    const worker = new Worker(CHECKPOINT_WORKER_SOURCE, { eval: true, execArgv: [], workerData });
    worker.unref();
    // Whoever asked is told by the exit that follows; without a listener the error would end the process.
    worker.on("error", (err) => this.#options.log.warn({ err }, "checkpoint worker failed"));
    worker.once("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    this.#worker = worker;
    return worker;
  }

  /** Ends the worker, if there is one; it closes its connection first. */
  #stop(): void {
    this.#worker?.postMessage("close");
    this.#worker = undefined;
  }

  /** Waits for the checkpoint that runs and ends the worker. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#quietTimer);
    clearTimeout(this.#idleTimer);
    await this.#running?.catch(() => {});
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    worker.ref();
    this.#stop();
    await ended;
  }
}
