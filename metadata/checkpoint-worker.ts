// The thread that checkpoints, as text, so that it runs the same from TypeScript sources, from compiled files and from a bundle.
// It answers each mode with the checkpoint's result.
//
// Whoever commits first to a WAL that starts over writes its header and syncs it, and that must not be the thread which serves
// everyone. Two things see to it. After a PASSIVE checkpoint, which may have folded everything in, another connection holds the
// WAL where it is by reading from it, for ever: a WAL in use does not start over. And when it is made to start over, while
// writers are held, the first commit is made here, by setting a number to what it is; that commit also cuts the file to its limit.

/** What the worker is started with. */
export interface CheckpointWorkerData {
  /** Where better-sqlite3 is. */
  readonly sqlite: string;
  readonly path: string;
  /** How long the file stays when it is cut. */
  readonly keepBytes: number;
}

/** A busy timeout for a reader that is just there: the writing connection's reads take microseconds. */
export const CHECKPOINT_WORKER_SOURCE = `
const { parentPort, workerData } = require("node:worker_threads");
const Sqlite = require(workerData.sqlite);
const open = () => {
  const connection = new Sqlite(workerData.path, { fileMustExist: true, timeout: 50 });
  connection.pragma("synchronous = NORMAL");
  connection.pragma("wal_autocheckpoint = 0");
  return connection;
};
const db = open();
const holder = open();
const checkpoint = (mode) => db.pragma("wal_checkpoint(" + mode + ")")[0];
const letGo = () => {
  if (holder.inTransaction) holder.exec("COMMIT");
};
const work = {
  PASSIVE() {
    const now = checkpoint("NOOP");
    // All folded in already, perhaps held, and the hold must not be loosened then.
    if (now.log === now.checkpointed) return now;
    letGo();
    holder.exec("BEGIN");
    holder.pragma("user_version");
    return checkpoint("PASSIVE");
  },
  RESTART: () => startOver(-1),
  TRIM: () => startOver(workerData.keepBytes),
};
const startOver = (limitBytes) => {
  letGo();
  const result = checkpoint("RESTART");
  if (result.busy === 0) {
    db.pragma("journal_size_limit = " + limitBytes);
    db.pragma("user_version = " + db.pragma("user_version", { simple: true }));
  }
  return result;
};
parentPort.on("message", (mode) => {
  if (mode === "close") {
    holder.close();
    db.close();
    parentPort.close();
    return;
  }
  try {
    parentPort.postMessage({ result: work[mode]() });
  } catch (error) {
    parentPort.postMessage({ error: String(error) });
  }
});
`;
