// The ledger's word on how processes ended, read from the table of events: each one that ran must be told exactly once.
import { TaskExecStarted, TaskExit, TaskStart } from "../../api/gen/events/task.js";
import { Envelope } from "../../api/gen/types/event.js";
import { openSqlite } from "../../metadata/sqlite.js";
import type { ContainerStory } from "./story.js";

interface ToldExit {
  readonly status: number;
  readonly seq: number;
}

const keyOf = (containerId: string, id: string, pid: number): string => `${containerId} ${id} ${pid}`;

/** What the ledger tells of starts and exits. The daemon may run meanwhile: a reader in another process disturbs nobody. */
export function readLedger(path: string, namespace: string) {
  const db = openSqlite(path, { readonly: true, fileMustExist: true });
  try {
    const rows = db
      .prepare<[string], { seq: number; topic: string; envelope: Uint8Array }>(
        "SELECT seq, topic, envelope FROM events WHERE namespace = ? AND topic LIKE '/tasks/%' ORDER BY seq",
      )
      .all(namespace);
    const started = new Set<string>();
    const exits = new Map<string, ToldExit[]>();
    for (const { seq, topic, envelope } of rows) {
      const bytes = Envelope.decode(envelope).event?.value ?? Buffer.alloc(0);
      if (topic === "/tasks/start") {
        const { containerId, pid } = TaskStart.decode(bytes);
        started.add(keyOf(containerId, containerId, pid));
      } else if (topic === "/tasks/exec-started") {
        const { containerId, execId, pid } = TaskExecStarted.decode(bytes);
        started.add(keyOf(containerId, execId, pid));
      } else if (topic === "/tasks/exit") {
        const { containerId, id, pid, exitStatus } = TaskExit.decode(bytes);
        const key = keyOf(containerId, id, pid);
        exits.set(key, [...(exits.get(key) ?? []), { seq, status: exitStatus }]);
      }
    }
    return { started, exits };
  } finally {
    db.close();
  }
}

/** What the ledger tells too often, wrongly, or (when every story is over) not at all. */
export function exitFaults(path: string, namespace: string, stories: readonly ContainerStory[]): string[] {
  const { started, exits } = readLedger(path, namespace);
  const faults: string[] = [];
  for (const [key, told] of exits) {
    if (told.length > 1) faults.push(`exit told ${told.length} times: ${key} (${told.map(({ seq }) => seq)})`);
  }
  const owed = new Map<string, readonly number[]>();
  for (const story of stories) {
    for (const process of story.processes) {
      const id = process.execId === "" ? story.id : process.execId;
      if (process.run.stage === "there") owed.set(keyOf(story.id, id, process.pid), process.statuses);
    }
  }
  for (const key of new Set([...started, ...owed.keys()])) {
    const [exit] = exits.get(key) ?? [];
    const statuses = owed.get(key);
    if (exit === undefined) faults.push(`no exit told: ${key}`);
    else if (statuses !== undefined && !statuses.includes(exit.status)) {
      faults.push(`exit of ${key} told as ${exit.status}, not ${statuses}`);
    }
  }
  return [...new Set(faults)];
}
