// What the ledger has told of each process, kept beside the events and in their transaction: so that a shim which tells something
// again is not believed twice, and a daemon that comes back knows whose end is still to be told. Rows outlive their process for
// as long as something may come again.
import type { EventEnvelope } from "../api/core/event.js";
import type { ProcessExit } from "../api/core/task.js";
import type { OpenProcess } from "../api/core/task-ledger.js";
import { fromTimestamp } from "../api/core/time.js";
import { TaskCreate, TaskDelete, TaskExecStarted, TaskExit, TaskStart } from "../api/gen/events/task.js";
import type { Reader, SqlValue, Writer } from "./statements.js";

/** Bits of the column `told`. */
const CREATE = 1;
const START = 2;
const EXEC_START = 4;
const EXIT = 8;
const DELETE = 16;
const OF_INIT = CREATE | START | DELETE;

/** A shim tells an event again for about 15 s, and a pid does not come back within a minute. */
const REMEMBERED_SECONDS = 60n;

const GET = "SELECT told FROM told_processes WHERE namespace = ? AND container = ? AND id = ? AND pid = ?";
const PUT = `INSERT INTO told_processes (namespace, container, id, pid, told, closed_seconds) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET told = excluded.told, closed_seconds = excluded.closed_seconds`;
/** A task that has no process before its start, as one restored from a checkpoint, is created without a pid. */
const FORGET_PIDLESS = "DELETE FROM told_processes WHERE namespace = ? AND container = ? AND id = ? AND pid = 0";
const FORGET_OLD = "DELETE FROM told_processes WHERE closed_seconds < ?";
const OPEN = "SELECT namespace, container, id, pid, told FROM told_processes WHERE closed_seconds IS NULL";
const OPEN_OF_TASK = `${OPEN} AND namespace = ? AND container = ?`;

interface Telling {
  readonly bit: number;
  readonly container: string;
  /** The exec's id, for init the container's: as exit events have it. An exec may have the id of its container, too. */
  readonly id: string;
  readonly pid: number;
  /** How it ended, with an exit. */
  readonly exit?: ProcessExit;
}

/** What happened to a process, told for the first time. */
export interface ProcessNews {
  readonly what: "created" | "started" | "exited" | "deleted";
  readonly namespace: string;
  readonly container: string;
  /** "" for init. */
  readonly exec: string;
  readonly pid: number;
  readonly exit?: ProcessExit;
}

/** What an event tells of a process; undefined when it is about none, or cannot be read. */
function tellingOf({ topic, event }: EventEnvelope): Telling | undefined {
  const bytes = event?.value ?? new Uint8Array();
  try {
    switch (topic) {
      case "/tasks/create":
        return ofInit(CREATE, TaskCreate.decode(bytes));
      case "/tasks/start":
        return ofInit(START, TaskStart.decode(bytes));
      case "/tasks/delete":
        return ofInit(DELETE, TaskDelete.decode(bytes));
      case "/tasks/exec-started": {
        const { containerId, execId, pid } = TaskExecStarted.decode(bytes);
        return { bit: EXEC_START, container: containerId, id: execId, pid };
      }
      case "/tasks/exit": {
        const { containerId, id, pid, exitStatus, exitedAt } = TaskExit.decode(bytes);
        const exit = { pid, exitStatus, exitedAtNs: fromTimestamp(exitedAt) };
        return { bit: EXIT, container: containerId, id, pid, exit };
      }
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}

const ofInit = (bit: number, { containerId, pid }: { containerId: string; pid: number }): Telling => ({
  bit,
  container: containerId,
  id: containerId,
  pid,
});

const WHAT: Readonly<Record<number, ProcessNews["what"]>> = {
  [CREATE]: "created",
  [START]: "started",
  [EXEC_START]: "started",
  [EXIT]: "exited",
  [DELETE]: "deleted",
};

/** `told` is all that has been told of the process: it says whether one of its container's name is init. */
function newsOf(namespace: string, { bit, container, id, pid, exit }: Telling, told: number): ProcessNews {
  const isInit = id === container && (told & EXEC_START) === 0;
  const what = WHAT[bit] ?? "deleted";
  return { what, namespace, container, exec: isInit ? "" : id, pid, ...(exit !== undefined && { exit }) };
}

/** News come in any order: an exit may be told before its start. */
const isClosed = (told: number): boolean =>
  (told & DELETE) !== 0 || ((told & EXIT) !== 0 && (told & (CREATE | START)) === 0);

/** The part of a transaction that this needs. */
type TellingWriter = Pick<Writer, "get" | "run"> & { readonly nowNs: bigint };

/**
 * Remembers what is about to be told.
 * @returns "known" when it was told before; undefined for an event that is about no process.
 */
export function noteTelling(tx: TellingWriter, envelope: EventEnvelope): ProcessNews | "known" | undefined {
  const nowSeconds = tx.nowNs / 1_000_000_000n;
  const telling = tellingOf(envelope);
  if (telling === undefined) return undefined;
  const { bit, container, id, pid } = telling;
  const key: SqlValue[] = [envelope.namespace, container, id, pid];
  const known = tx.get<{ told: number }>(GET, ...key)?.told ?? 0;
  // Without a pid the next task of that name looks like the one that was deleted.
  const before = bit === CREATE && pid === 0 && (known & DELETE) !== 0 ? 0 : known;
  if ((before & bit) !== 0) return "known";
  if (bit === CREATE || bit === EXEC_START) tx.run(FORGET_OLD, nowSeconds - REMEMBERED_SECONDS);
  // Its start may have been told by nobody.
  if (bit !== EXEC_START && pid !== 0 && id === container) tx.run(FORGET_PIDLESS, envelope.namespace, container, id);
  const told = before | bit;
  tx.run(PUT, ...key, told, isClosed(told) ? nowSeconds : null);
  return newsOf(envelope.namespace, telling, told);
}

interface Row {
  readonly namespace: string;
  readonly container: string;
  readonly id: string;
  readonly pid: number;
  readonly told: number;
}

export function readOpenProcesses(
  reader: Reader,
  task?: { readonly namespace: string; readonly containerId: string },
): OpenProcess[] {
  const rows =
    task === undefined ? reader.all<Row>(OPEN) : reader.all<Row>(OPEN_OF_TASK, task.namespace, task.containerId);
  return rows.map(({ namespace, container, id, pid, told }) => ({
    namespace,
    containerId: container,
    execId: (told & OF_INIT) !== 0 ? "" : id,
    pid,
    hasExited: (told & EXIT) !== 0,
  }));
}
