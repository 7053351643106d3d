// The ledger as the runtime sees it. Shims tell their news again when they are not sure that it arrived, and a daemon that comes
// back tells what nobody told before; so the ledger remembers of which process it has told what.
import type { EventEnvelope, EventLedger } from "./event.js";
import type { ExitDetails, ExitRequest } from "./exit-record.js";
import type { ProcessExit } from "./task.js";

/** A task by its names. */
export interface TaskName {
  readonly namespace: string;
  readonly containerId: string;
}

/** A process by its names; `execId` is "" for the task's own. */
export interface ProcessName extends TaskName {
  readonly execId: string;
}

/** A process that the ledger has told of and not yet the end of. */
export interface OpenProcess {
  readonly namespace: string;
  readonly containerId: string;
  /** "" for the task's own. */
  readonly execId: string;
  readonly pid: number;
  /** Always false for an exec; a task whose exit has been told is open until its delete is told too. */
  readonly hasExited: boolean;
}

export interface TaskLedger extends EventLedger {
  /**
   * Like `append`, but leaves out a create, start, exit or delete of a process that has been told before: the process is known by
   * its container, its id and its pid. Resolves when all of it is on disk, also what was left out. An exit is remembered in the same
   * transaction; `details` are what is known of it beside.
   * @throws invalid_argument for topic or namespace.
   */
  tell(envelopes: readonly EventEnvelope[], details?: ExitDetails): Promise<void>;
  /** Somebody asks for the end of a process, which its exit will be remembered with; undefined takes that back. */
  noteRequest(process: ProcessName, request: ExitRequest | undefined): Promise<void>;
  /** What the newest task of a container wrote last, for the record of its end, unless that has some. */
  noteLastLines(task: TaskName, lines: readonly Uint8Array[]): Promise<void>;
  /** Ended tasks, the newest of their container, whose last lines nobody has looked for. */
  endsWithoutLines(): Promise<TaskName[]>;
  /** Tasks whose delete and execs whose exit was not told; those of one container when it is given. */
  openProcesses(task?: TaskName): Promise<OpenProcess[]>;
  /** How a process ended, if the ledger has told so and still keeps that event. To be asked seldom: the events are searched. */
  exitOf(process: Omit<OpenProcess, "hasExited">): Promise<ProcessExit | undefined>;
}
