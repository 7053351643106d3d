// The differ's threads: started when needed, kept, one job each at a time. Jobs beyond their number wait in line.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import type { ArchiveSummary, FromThread, Job, ToThread } from "./job.js";

export interface RunOptions {
  /** Lost interest: the job ends at its next look, and the promise then. */
  readonly signal?: AbortSignal | undefined;
  /** For what the job hands out; one call at a time. Its failure ends the job. */
  readonly onData?: (bytes: Uint8Array) => Promise<void>;
}

interface Waiting {
  readonly job: Job;
  readonly options: RunOptions;
  readonly resolve: (summary: ArchiveSummary) => void;
  readonly reject: (error: unknown) => void;
}

/** A job failed; `code` is the errno's name where a system call did. */
export class JobError extends Error {
  override readonly name = "JobError";
  readonly code: string | undefined;

  constructor(message: string, code: string | undefined) {
    super(message);
    this.code = code;
  }
}

export class ThreadPool implements AsyncDisposable {
  readonly #size: number;
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();
  readonly #waiting: Waiting[] = [];
  #closed = false;

  /** @param size Most threads at a time. */
  constructor(size: number) {
    this.#size = size;
  }

  /** Whether no job runs or waits. */
  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.#idle.length === this.#all.size;
  }

  run(job: Job, options: RunOptions = {}): Promise<ArchiveSummary> {
    if (this.#closed) return Promise.reject(new JobError("the differ is closed", undefined));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, options, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#waiting.length === 0) return;
    const worker = this.#idle.pop() ?? (this.#all.size < this.#size ? this.#start() : undefined);
    const waiting = worker === undefined ? undefined : this.#waiting.shift();
    if (worker === undefined || waiting === undefined) return;
    void perform(worker, waiting).finally(() => {
      if (!this.#all.has(worker)) return this.#next();
      worker.unref();
      this.#idle.push(worker);
      return this.#next();
    });
  }

  #start(): Worker {
    const worker = startThread();
    this.#all.add(worker);
    const forget = (): void => {
      this.#all.delete(worker);
      const index = this.#idle.indexOf(worker);
      if (index >= 0) this.#idle.splice(index, 1);
    };
    // Its job is told by its own listener; without this one, an error between two jobs would end the process.
    worker.once("error", forget);
    worker.once("exit", forget);
    return worker;
  }

  /** Waits for the jobs that run, drops those that wait, and lets the threads end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(new JobError("the differ is closed", undefined));
    const ends = [...this.#all].map((worker) => {
      worker.ref();
      worker.postMessage({ kind: "close" } satisfies ToThread);
      return new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    });
    await Promise.all(ends);
  }
}

async function perform(worker: Worker, { job, options, resolve, reject }: Waiting): Promise<void> {
  const cancelled = new Int32Array(new SharedArrayBuffer(4));
  const { signal, onData } = options;
  const cancel = (): void => void Atomics.store(cancelled, 0, 1);
  const isAborted = (): boolean => signal?.aborted === true;
  if (isAborted()) {
    reject(signal?.reason);
    return;
  }
  signal?.addEventListener("abort", cancel);
  let failure: unknown;
  let writing = Promise.resolve();
  const take = async (bytes: Uint8Array): Promise<void> => {
    try {
      if (failure === undefined) await onData?.(bytes);
    } catch (error) {
      failure = error;
      cancel();
    }
    worker.postMessage({ kind: "taken" } satisfies ToThread);
  };
  const answer = await new Promise<FromThread>((settle) => {
    const lost = (why: string): void => settle({ kind: "failure", message: why, code: undefined });
    const onError = (error: unknown): void => lost(error instanceof Error ? error.message : String(error));
    const onExit = (code: number): void => lost(`the thread ended with code ${code}`);
    const onMessage = (message: FromThread): void => {
      if (message.kind === "data") {
        writing = writing.then(() => take(message.bytes));
        return;
      }
      worker.off("error", onError);
      worker.off("exit", onExit);
      worker.off("message", onMessage);
      settle(message);
    };
    worker.on("error", onError);
    worker.once("exit", onExit);
    worker.on("message", onMessage);
    worker.ref();
    worker.postMessage({ kind: "job", job, cancelled } satisfies ToThread);
  });
  await writing;
  signal?.removeEventListener("abort", cancel);
  if (isAborted() && answer.kind !== "result") reject(signal?.reason);
  else if (failure !== undefined) reject(failure);
  else if (answer.kind === "result") resolve(answer.result);
  else if (answer.kind === "failure") reject(new JobError(answer.message, answer.code));
}

/** Compiled files are beside this one, or where the one-file programs find them; sources run through tsx, as their tests do. */
function startThread(): Worker {
  // Descriptors that system calls opened are closed by them too; Node need not count them.
  const options = { trackUnmanagedFds: false };
  const places = ["./thread.js", "../runtime/diff/thread.js"].map((place) => new URL(place, import.meta.url));
  const compiled = places.find((place) => existsSync(place));
  if (compiled !== undefined) return new Worker(compiled, { ...options, execArgv: [] });
  const require = createRequire(import.meta.url);
  const source = new URL("./thread.ts", import.meta.url).href;
  const loader = new URL("./dist/esm/api/index.mjs", pathToFileURL(require.resolve("tsx/package.json"))).href;
  const start = `import(${JSON.stringify(loader)}).then(({ register }) => { register(); return import(${JSON.stringify(source)}); })`;
  return new Worker(start, { ...options, eval: true, execArgv: [] });
}
