// The collector: runs when its policy says so or somebody asks, marks and sweeps the records in one transaction, then lets
// the backends free the bytes that no record names any more.
// @source containerd plugins/gc/scheduler.go, core/metadata/db.go
import type { CollectionReport, Collector, HoldingChain, Removal } from "../../api/core/collector.js";
import { requireNamespace } from "../../api/core/context.js";
import { errorOf, notFound, unknownError } from "../../api/core/errors.js";
import { type Logger, silentLogger } from "../../api/core/log.js";
import { quote } from "../../api/core/quote.js";
import { systemClock } from "../../api/core/time.js";
import type { Database } from "../db.js";
import { chainsTo } from "./explain.js";
import { type GraphNode, NamespaceGraph } from "./graph.js";
import { CollectorPolicy, type CollectorPolicyConfig, DEFAULT_POLICY } from "./policy.js";
import { findGarbage, sweep } from "./sweep.js";

/** Frees what no record names. Told apart by what mutations call it: `content`, `snapshots/<snapshotter>`. */
export interface CleanableBackend {
  readonly name: string;
  /** @returns the bytes that were freed. */
  cleanup(): Promise<number>;
}

export interface CollectorOptions {
  readonly db: Database;
  readonly backends: readonly CleanableBackend[];
  readonly policy?: Partial<CollectorPolicyConfig> | undefined;
  readonly log?: Logger | undefined;
}

interface Waiter {
  readonly resolve: (report: CollectionReport) => void;
  readonly reject: (error: unknown) => void;
}

const nowMs = (): number => performance.now();

export class SqliteCollector implements Collector, AsyncDisposable {
  readonly #db: Database;
  readonly #backends: ReadonlyMap<string, CleanableBackend>;
  readonly #policy: CollectorPolicy;
  readonly #log: Logger;
  /** Backends with bytes to free; at the start all of them, since a crash may have left something. */
  readonly #dirty: Set<string>;
  #waiters: Waiter[] = [];
  #timer: NodeJS.Timeout | undefined;
  #armedForMs: number | undefined;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor({ db, backends, policy, log = silentLogger }: CollectorOptions) {
    this.#db = db;
    this.#backends = new Map(backends.map((backend) => [backend.name, backend]));
    this.#dirty = new Set(this.#backends.keys());
    this.#policy = new CollectorPolicy({ ...DEFAULT_POLICY, ...policy }, nowMs());
    this.#log = log;
    db.observeMutations(({ dirty, backends: changed }) => {
      for (const name of changed) this.#dirty.add(name);
      this.#policy.mutated(dirty, nowMs());
      this.#arm();
    });
    this.#arm();
  }

  async collect(options: { readonly dryRun?: boolean; readonly signal?: AbortSignal | undefined } = {}) {
    const { dryRun = false, signal } = options;
    if (dryRun) {
      const removed = this.#db.view((reader) => findGarbage(reader, systemClock()));
      return { removed, freedBytes: 0, pauseNs: 0n };
    }
    if (this.#closed) throw errorOf("unavailable", "the collector has stopped");
    signal?.throwIfAborted();
    return new Promise<CollectionReport>((resolve, reject) => {
      const onAbort = () => reject(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      const settled = () => signal?.removeEventListener("abort", onAbort);
      this.#waiters.push({
        resolve: (report) => {
          settled();
          resolve(report);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      this.#policy.trigger(nowMs());
      this.#arm();
    });
  }

  async explain(ctx: Parameters<Collector["explain"]>[0], subject: string): Promise<readonly HoldingChain[]> {
    const namespace = requireNamespace(ctx);
    return this.#db.view((reader) => {
      const graph = new NamespaceGraph(reader, namespace, systemClock());
      const subjects = [...graph.nodes.values()].filter((node) => isNamed(node, subject));
      if (subjects.length === 0) throw notFound(`blob, snapshot or image ${quote(subject)}`);
      return subjects.flatMap((node) => chainsTo(graph, node));
    });
  }

  #arm(): void {
    const { dueMs } = this.#policy;
    // Told of every commit, of which few change when the next run is due.
    if (this.#timer !== undefined && dueMs === this.#armedForMs) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#armedForMs = dueMs;
    if (dueMs === undefined || this.#running !== undefined || this.#closed) return;
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, dueMs - nowMs())).unref();
  }

  #tick(): void {
    this.#timer = undefined;
    if (!this.#policy.tick()) {
      this.#arm();
      return;
    }
    const waiters = this.#waiters;
    this.#waiters = [];
    this.#running = this.#run().then(
      (report) => {
        for (const { resolve } of waiters) resolve(report);
      },
      (err: unknown) => {
        this.#log.error({ err }, "garbage collection failed");
        this.#policy.failed(nowMs());
        for (const { reject } of waiters) reject(unknownError("gc failed", err));
      },
    );
    void this.#running.finally(() => {
      this.#running = undefined;
      this.#arm();
    });
  }

  async #run(): Promise<CollectionReport> {
    const startNs = process.hrtime.bigint();
    let pauseNs = 0n;
    let removed: Removal[] = [];
    const committed = this.#db.update(
      (tx) => {
        removed = sweep(tx);
        for (const name of tx.mutation.backends) this.#dirty.add(name);
        pauseNs = process.hrtime.bigint() - startNs;
      },
      { evenWhenFull: true, bookkeeping: true },
    );
    await committed;
    this.#policy.ran(Number(pauseNs) / 1e6, nowMs());
    const freedBytes = await this.#cleanBackends();
    if (removed.length > 0 || freedBytes > 0) {
      this.#log.info({ removed: removed.length, freedBytes, pauseUs: Number(pauseNs / 1000n) }, "garbage collected");
    }
    return { removed, freedBytes, pauseNs };
  }

  /** What fails stays dirty for the next run, and is only logged. */
  async #cleanBackends(): Promise<number> {
    const names = [...this.#dirty];
    const freed = await Promise.all(
      names.map(async (name) => {
        this.#dirty.delete(name);
        try {
          return (await this.#backends.get(name)?.cleanup()) ?? 0;
        } catch (err) {
          this.#dirty.add(name);
          this.#log.warn({ err, backend: name }, "freeing unused bytes failed");
          return 0;
        }
      }),
    );
    return freed.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Waits for a run under way; whoever waits for another one is told that there will be none. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#running;
    for (const { reject } of this.#waiters.splice(0)) reject(errorOf("unavailable", "the collector has stopped"));
  }
}

/** By digest or image name, or by a snapshot's name with or without its snapshotter. */
function isNamed({ type, key }: GraphNode, subject: string): boolean {
  if (type === "container" || type === "lease") return false;
  return key === subject || (type === "snapshot" && key.slice(key.indexOf("/") + 1) === subject);
}
