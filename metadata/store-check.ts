// Looks the store over while it is in use: in a thread of its own, on a connection that only reads, so that nobody waits for it.

import { stat } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import type { Discovery, Examiner } from "../api/core/doctor.js";
import { SQLITE_MODULE } from "./sqlite.js";

/** A WAL that checkpoints keep up with is a tenth of that. */
const LONG_WAL_BYTES = 256 * 1024 * 1024;

interface Facts {
  /** `quick_check`'s lines; one `ok` when there is nothing to say. */
  readonly faults: readonly string[];
  /** Tables with a row that refers to one that is not there. */
  readonly dangling: readonly string[];
  readonly events: number;
  /** null without any event. */
  readonly first: number | null;
  readonly last: number | null;
  /** The last position ever given; null when none was. */
  readonly given: number | null;
}

// Given as text, so that it runs the same from TypeScript sources, from compiled files and from a bundle.
const WORKER_SOURCE = `
const { parentPort, workerData } = require("node:worker_threads");
const Sqlite = require(workerData.sqlite);
const db = new Sqlite(workerData.path, { readonly: true, fileMustExist: true });
const column = (sql) => db.prepare(sql).pluck().all();
try {
  const faults = column("PRAGMA quick_check(10)");
  const facts = db.transaction(() => ({
    faults,
    dangling: [...new Set(column("PRAGMA foreign_key_check"))],
    ...db.prepare("SELECT count(*) AS events, min(seq) AS first, max(seq) AS last FROM events").get(),
    given: column("SELECT seq FROM sqlite_sequence WHERE name = 'events'")[0] ?? null,
  }))();
  parentPort.postMessage(facts);
} finally {
  db.close();
}
`;

async function readFacts(path: string, signal: AbortSignal | undefined): Promise<Facts> {
  const worker = new Worker(WORKER_SOURCE, { eval: true, execArgv: [], workerData: { sqlite: SQLITE_MODULE, path } });
  const stop = () => void worker.terminate();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    return await new Promise<Facts>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", (code) => reject(new Error(`checking the store ended with code ${code}`)));
    });
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** What is wrong inside the database file at `path`. */
export function storeExaminer(path: string): Examiner {
  const problem = (kind: string, detail: string): Discovery => ({
    kind,
    namespace: "",
    subject: path,
    detail,
    isProblem: true,
  });
  return {
    async *examine(signal) {
      const { faults, dangling, events, first, last, given } = await readFacts(path, signal);
      for (const fault of faults) if (fault !== "ok") yield problem("store-damaged", fault);
      for (const table of dangling)
        yield problem("store-contradictory", `a row of ${table} refers to one that is not there`);
      if (first !== null && last !== null && last - first + 1 !== events) {
        yield problem("events-missing", `${last - first + 1 - events} events between ${first} and ${last} are gone`);
      }
      if ((last ?? 0) > (given ?? 0))
        yield problem("events-missing", `event ${last} is ahead of the count, ${given ?? 0}`);
      const wal = await stat(`${path}-wal`).catch(() => undefined);
      if (wal !== undefined && wal.size > LONG_WAL_BYTES) {
        yield { ...problem("long-wal", `${wal.size} bytes wait to be folded into the file`), isProblem: false };
      }
    },
  };
}
