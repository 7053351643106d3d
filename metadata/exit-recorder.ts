// The record of an end, written in the transaction that tells of it: from the exit event itself, from what was noted of the process
// while it ran, and from what its driver adds.
import type { EventEnvelope } from "../api/core/event.js";
import type { ExitDetails, ExitRequest } from "../api/core/exit-record.js";
import { type TaskVerdict, taskVerdictCodec, VERDICT_TOPICS } from "../api/core/task-verdict.js";
import { TaskOOM } from "../api/gen/events/task.js";
import {
  type Attempt,
  beginAttempt,
  forgetExec,
  noteOutOfMemory,
  type ProcessKey,
  readAttempt,
  requestValues,
  startAttempt,
  timeValues,
} from "./attempts.js";
import type { Writer } from "./statements.js";
import type { ProcessNews } from "./told-processes.js";

const SIGKILL = 9;
const SIGNAL_BASE = 128;
/** What ends a program by custom: HUP, INT, QUIT, ABRT, KILL, TERM. */
const ENDING_SIGNALS = new Set([2, 3, 6, SIGKILL, 15]);
/** Any other signal counts when the end followed it within this time. */
const FOLLOWS_NS = 30_000_000_000n;

const INSERT = `INSERT INTO exits (namespace, container, exec, attempt, pid, image, runtime, started_seconds, started_nanos,
  exited_seconds, exited_nanos, written_seconds, exit_status, signal, out_of_memory, message,
  request_seconds, request_nanos, request_signal, request_pid, request_uid, request_gid, request_by)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const PID_OF_END = "SELECT pid FROM exits WHERE namespace = ? AND container = ? AND exec = '' AND attempt = ? LIMIT 1";
const START_OF_END = `UPDATE exits SET started_seconds = ?, started_nanos = ? WHERE namespace = ? AND container = ? AND exec = ?
  AND attempt = ? AND pid = ? AND started_seconds IS NULL`;
/** The news that memory ran out may come behind those of the end. */
const LATE_OUT_OF_MEMORY = `UPDATE exits SET out_of_memory = 1, signal = CASE exit_status WHEN ${SIGNAL_BASE + SIGKILL} THEN ${SIGKILL} ELSE signal END
  WHERE namespace = ? AND container = ? AND exec = '' AND attempt = ?`;
const SET_MESSAGE = "UPDATE exits SET message = ? WHERE seq = ? AND message = ''";
const SET_UNKNOWN = "UPDATE exits SET exit_status = NULL, signal = NULL WHERE seq = ?";
const SET_REQUEST = `UPDATE exits SET request_seconds = ?, request_nanos = ?, request_signal = ?, request_pid = ?, request_uid = ?,
  request_gid = ?, request_by = ? WHERE seq = ?`;

type RecordingWriter = Writer & { readonly nowNs: bigint };

const JUDGEMENTS: ReadonlySet<string> = new Set(Object.values(VERDICT_TOPICS));

/** Of one transaction. */
export class ExitRecorder {
  readonly #tx: RecordingWriter;
  readonly #details: ExitDetails;
  /** Ends that were written here, by `container/exec`. */
  readonly #written = new Map<string, number | bigint>();

  /** `details` are about the process whose exit is told, if one is. */
  constructor(tx: RecordingWriter, details: ExitDetails = {}) {
    this.#tx = tx;
    this.#details = details;
  }

  /** An event that is being told, with what it says of a process. */
  take(envelope: EventEnvelope, news: ProcessNews | undefined): void {
    switch (news?.what) {
      case "created":
        beginAttempt(this.#tx, news.namespace, news.container);
        return;
      case "started":
        this.#started(news, envelope.timestampNs);
        return;
      case "exited":
        this.#exited(news);
        return;
      case "deleted":
        return;
      case undefined:
        this.#takeOther(envelope);
    }
  }

  #takeOther({ namespace, topic, event }: EventEnvelope): void {
    const bytes = event?.value ?? new Uint8Array();
    if (topic === "/tasks/oom") {
      const told = decoded(() => TaskOOM.decode(bytes));
      if (told !== undefined) this.#outOfMemory(namespace, told.containerId);
    } else if (JUDGEMENTS.has(topic)) {
      const verdict = decoded(() => taskVerdictCodec.decode(bytes));
      if (verdict !== undefined) this.#judged(topic, verdict);
    }
  }

  /** The task that a process belongs to. One that was told to have ended, with another pid, has been followed by a new one. */
  #taskOf({ namespace, container, exec, pid }: ProcessNews): Attempt {
    const task = readAttempt(this.#tx, { namespace, container, exec: "" });
    if (task === undefined) return beginAttempt(this.#tx, namespace, container);
    if (exec !== "") return task;
    const ended = this.#tx.get<{ pid: number }>(PID_OF_END, namespace, container, task.attempt);
    const isAnother = ended !== undefined && ended.pid !== pid && pid !== 0;
    return isAnother ? beginAttempt(this.#tx, namespace, container) : task;
  }

  #started(news: ProcessNews, startedAtNs: bigint | undefined): void {
    const { namespace, container, exec, pid } = news;
    const task = this.#taskOf(news);
    startAttempt(this.#tx, news, task, startedAtNs);
    this.#tx.run(START_OF_END, ...timeValues(startedAtNs), namespace, container, exec, task.attempt, pid);
  }

  #exited(news: ProcessNews): void {
    const { namespace, container, exec, pid, exit } = news;
    const task = this.#taskOf(news);
    const known =
      exec === "" ? task : (readAttempt(this.#tx, news) ?? { ...task, startedAtNs: undefined, requested: undefined });
    const exitStatus = exit?.exitStatus ?? 0;
    const isKnown = this.#details.isStatusKnown !== false;
    const { isOutOfMemory, signal } = this.#causeOf(news, known, exitStatus);
    const requested = isMeant(known.requested, exitStatus, exit?.exitedAtNs) ? known.requested : undefined;
    const { lastInsertRowid } = this.#tx.run(
      INSERT,
      ...[namespace, container, exec, task.attempt, pid, task.image, task.runtime],
      ...timeValues(known.startedAtNs),
      ...timeValues(exit?.exitedAtNs),
      this.#tx.nowNs / 1_000_000_000n,
      isKnown ? exitStatus : null,
      isKnown ? (signal ?? null) : null,
      isOutOfMemory ? 1 : 0,
      this.#details.message ?? "",
      ...requestValues(requested),
    );
    this.#written.set(`${container}/${exec}`, lastInsertRowid);
    forgetExec(this.#tx, news);
  }

  /** Memory that runs out in a container kills any of its processes: an exec only if it was killed and nobody asked for that. */
  #causeOf(
    { exec }: ProcessKey,
    known: Attempt,
    exitStatus: number,
  ): { isOutOfMemory: boolean; signal: number | undefined } {
    const { signal: toldSignal, isOutOfMemory: isTold = false } = this.#details;
    const wasKilled = exitStatus === SIGNAL_BASE + SIGKILL;
    const wasAskedToKill = known.requested?.signal === SIGKILL;
    const ranOut = isTold || known.isOutOfMemory;
    const isOutOfMemory = ranOut && (exec === "" || (wasKilled && !wasAskedToKill));
    const byRequest = known.requested !== undefined && exitStatus === SIGNAL_BASE + known.requested.signal;
    if (toldSignal !== undefined) return { isOutOfMemory, signal: toldSignal };
    if (byRequest) return { isOutOfMemory, signal: known.requested?.signal };
    return { isOutOfMemory, signal: isOutOfMemory && wasKilled ? SIGKILL : undefined };
  }

  #outOfMemory(namespace: string, container: string): void {
    noteOutOfMemory(this.#tx, namespace, container);
    const task = readAttempt(this.#tx, { namespace, container, exec: "" });
    if (task !== undefined) this.#tx.run(LATE_OUT_OF_MEMORY, namespace, container, task.attempt);
  }

  /** What a daemon found out about an end that nobody saw. One that had been told before stays what it was. */
  #judged(topic: string, { containerId, execId, isExitKnown, reason }: TaskVerdict): void {
    const seq = this.#written.get(`${containerId}/${execId}`);
    if (seq === undefined) return;
    this.#tx.run(SET_MESSAGE, reason, seq);
    if (!isExitKnown) this.#tx.run(SET_UNKNOWN, seq);
    if (topic !== VERDICT_TOPICS.ended) return;
    const timeNs = this.#tx.nowNs;
    this.#tx.run(SET_REQUEST, ...requestValues({ timeNs, signal: SIGKILL, pid: 0, uid: 0, gid: 0, by: "berthd" }), seq);
  }
}

/** Whether a signal has to do with an end: many are sent for other reasons. */
function isMeant(request: ExitRequest | undefined, exitStatus: number, exitedAtNs: bigint | undefined): boolean {
  if (request === undefined) return false;
  if (exitStatus === SIGNAL_BASE + request.signal || ENDING_SIGNALS.has(request.signal)) return true;
  return exitedAtNs !== undefined && exitedAtNs - request.timeNs < FOLLOWS_NS;
}

/** undefined for no such message: whoever tells it owns its bytes. */
function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}
