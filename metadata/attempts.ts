// What is known of the tasks that have not ended yet, for the record of their end: which of its name each one is, since when it runs,
// who has asked for its end. A task's row stays as long as its ends are remembered, so that the next one is counted on.
import type { ExitRequest } from "../api/core/exit-record.js";
import { fromTimestamp, toTimestamp } from "../api/core/time.js";
import type { Reader, SqlValue, Writer } from "./statements.js";

/** Which process: `exec` is "" for the task itself. */
export interface ProcessKey {
  readonly namespace: string;
  readonly container: string;
  readonly exec: string;
}

export interface RequestColumns {
  readonly request_seconds: number | null;
  readonly request_nanos: number | null;
  readonly request_signal: number | null;
  readonly request_pid: number | null;
  readonly request_uid: number | null;
  readonly request_gid: number | null;
  readonly request_by: string | null;
}

interface AttemptRow extends RequestColumns {
  readonly attempt: number;
  readonly image: string;
  readonly runtime: string;
  readonly started_seconds: number | null;
  readonly started_nanos: number | null;
  readonly out_of_memory: number;
}

export interface Attempt {
  readonly attempt: number;
  readonly image: string;
  readonly runtime: string;
  readonly startedAtNs: bigint | undefined;
  readonly isOutOfMemory: boolean;
  readonly requested: ExitRequest | undefined;
}

/** As they stand in both tables. */
export const REQUEST_COLUMNS = [
  "request_seconds",
  "request_nanos",
  "request_signal",
  "request_pid",
  "request_uid",
  "request_gid",
  "request_by",
] as const;

const WHERE = "WHERE namespace = ? AND container = ? AND exec = ?";
const GET = `SELECT attempt, image, runtime, started_seconds, started_nanos, out_of_memory, ${REQUEST_COLUMNS.join(", ")}
  FROM attempts ${WHERE}`;
const PUT = `INSERT OR REPLACE INTO attempts (namespace, container, exec, attempt, image, runtime, started_seconds, started_nanos,
  out_of_memory) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)`;
const CONTAINER = "SELECT image, runtime_name AS runtime FROM containers WHERE namespace = ? AND id = ?";
const LAST_OF_EXITS = "SELECT max(attempt) AS attempt FROM exits WHERE namespace = ? AND container = ?";
const SET_START = `UPDATE attempts SET started_seconds = ?, started_nanos = ? ${WHERE} AND started_seconds IS NULL`;
const SET_OUT_OF_MEMORY = "UPDATE attempts SET out_of_memory = 1 WHERE namespace = ? AND container = ?";
const SET_REQUEST = `UPDATE attempts SET ${REQUEST_COLUMNS.map((name) => `${name} = ?`).join(", ")} ${WHERE}`;
const FORGET = `DELETE FROM attempts ${WHERE}`;
const FORGET_EXECS = "DELETE FROM attempts WHERE namespace = ? AND container = ? AND exec <> ''";
const NO_REQUEST: readonly SqlValue[] = REQUEST_COLUMNS.map(() => null);

const keyOf = ({ namespace, container, exec }: ProcessKey): readonly SqlValue[] => [namespace, container, exec];

export function requestValues(request: ExitRequest | undefined): readonly SqlValue[] {
  if (request === undefined) return NO_REQUEST;
  const { seconds, nanos } = toTimestamp(request.timeNs);
  return [seconds, nanos, request.signal, request.pid, request.uid, request.gid, request.by];
}

export function requestOf(row: RequestColumns): ExitRequest | undefined {
  const timeNs = timeOf(row.request_seconds, row.request_nanos);
  if (timeNs === undefined) return undefined;
  const { request_signal: signal, request_pid: pid, request_uid: uid, request_gid: gid, request_by: by } = row;
  return { timeNs, signal: signal ?? 0, pid: pid ?? 0, uid: uid ?? 0, gid: gid ?? 0, by: by ?? "" };
}

export const timeOf = (seconds: number | null, nanos: number | null): bigint | undefined =>
  seconds === null ? undefined : fromTimestamp({ seconds: BigInt(seconds), nanos: nanos ?? 0 });

/** The seconds and nanos of a time, or two NULLs. */
export function timeValues(timeNs: bigint | undefined): readonly SqlValue[] {
  if (timeNs === undefined) return [null, null];
  const { seconds, nanos } = toTimestamp(timeNs);
  return [seconds, nanos];
}

export function readAttempt(reader: Reader, key: ProcessKey): Attempt | undefined {
  const row = reader.get<AttemptRow>(GET, ...keyOf(key));
  if (row === undefined) return undefined;
  const { attempt, image, runtime, started_seconds, started_nanos, out_of_memory } = row;
  const startedAtNs = timeOf(started_seconds, started_nanos);
  return { attempt, image, runtime, startedAtNs, isOutOfMemory: out_of_memory !== 0, requested: requestOf(row) };
}

/** A new task of this name; what was known of the one before goes. */
export function beginAttempt(tx: Writer, namespace: string, container: string): Attempt {
  const key = { namespace, container, exec: "" };
  const last =
    readAttempt(tx, key)?.attempt ?? tx.get<{ attempt: number | null }>(LAST_OF_EXITS, namespace, container)?.attempt;
  const record = tx.get<{ image: string; runtime: string }>(CONTAINER, namespace, container);
  const attempt = { attempt: (last ?? 0) + 1, image: record?.image ?? "", runtime: record?.runtime ?? "" };
  tx.run(PUT, ...keyOf(key), attempt.attempt, attempt.image, attempt.runtime, ...timeValues(undefined));
  tx.run(FORGET_EXECS, namespace, container);
  return { ...attempt, startedAtNs: undefined, isOutOfMemory: false, requested: undefined };
}

/** A process runs since then. An exec appears by it. */
export function startAttempt(tx: Writer, key: ProcessKey, task: Attempt, startedAtNs: bigint | undefined): void {
  const time = timeValues(startedAtNs);
  if (key.exec === "") tx.run(SET_START, ...time, ...keyOf(key));
  else tx.run(PUT, ...keyOf(key), task.attempt, task.image, task.runtime, ...time);
}

export function noteOutOfMemory(tx: Writer, namespace: string, container: string): void {
  tx.run(SET_OUT_OF_MEMORY, namespace, container);
}

/** What nobody knows of is left unsaid. */
export function noteRequest(tx: Writer, key: ProcessKey, request: ExitRequest | undefined): void {
  tx.run(SET_REQUEST, ...requestValues(request), ...keyOf(key));
}

export function forgetExec(tx: Writer, key: ProcessKey): void {
  if (key.exec !== "") tx.run(FORGET, ...keyOf(key));
}
