// The last lines that a task printed, put to the record of its end: a log is read after the end has been told, and may be read by the
// next daemon only.
import type { TaskName } from "../api/core/task-ledger.js";
import { joinLines } from "./exits.js";
import type { Reader, Writer } from "./statements.js";

/** Older ends than these have been looked at, or never will be. */
const LOOK_BACK = 100;

const NEWEST = `SELECT max(seq) FROM exits WHERE namespace = ? AND container = ? AND exec = ''`;
const ADD = `UPDATE exits SET last_lines = ? WHERE seq = (${NEWEST}) AND last_lines IS NULL`;
const WITHOUT = `SELECT namespace, container AS containerId FROM exits AS last WHERE exec = '' AND last_lines IS NULL
  AND attempt = (SELECT attempt FROM attempts WHERE namespace = last.namespace AND container = last.container AND exec = '')
  ORDER BY seq DESC LIMIT ${LOOK_BACK}`;

export function addLastLines(tx: Writer, { namespace, containerId }: TaskName, lines: readonly Uint8Array[]): void {
  tx.run(ADD, joinLines(lines), namespace, containerId);
}

/** Of tasks that no newer one has followed. */
export const endsWithoutLines = (reader: Reader): TaskName[] => reader.all<TaskName>(WITHOUT);
