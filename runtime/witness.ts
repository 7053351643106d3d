// What is seen at the end of a process goes to the ledger with the news of it: what the driver knows beside the status, and then the last
// lines that the task wrote.
import type { EventEnvelope, EventStream, SubscribeOptions } from "../api/core/event.js";
import type { ExitDetails, ExitRequest } from "../api/core/exit-record.js";
import type { Logger } from "../api/core/log.js";
import type { ProcessExit } from "../api/core/task.js";
import type { OpenProcess, ProcessName, TaskLedger, TaskName } from "../api/core/task-ledger.js";
import type { LastLines } from "../api/core/task-log.js";
import { TaskExit } from "../api/gen/events/task.js";
import { TOPICS } from "./task-events.js";
import type { TaskTable } from "./task-table.js";

const LAST_LINES = 10;
const MAX_BYTES = 4096;

export interface WitnessDeps {
  readonly ledger: TaskLedger;
  readonly table: TaskTable;
  /** Default: nobody keeps what tasks write. */
  readonly lastLines?: LastLines | undefined;
  readonly log: Logger;
}

/** A ledger that is told more than its teller knows. Dispose it to have the last lines written down. */
export class Witness implements TaskLedger, AsyncDisposable {
  readonly #deps: WitnessDeps;
  readonly #reading = new Map<string, Promise<void>>();

  constructor(deps: WitnessDeps) {
    this.#deps = deps;
  }

  async tell(envelopes: readonly EventEnvelope[], details?: ExitDetails): Promise<void> {
    const ended = envelopes.flatMap((envelope) => endedProcess(envelope));
    const tasks = ended.filter(({ containerId, id, namespace, pid }) => this.#isInit(namespace, containerId, id, pid));
    const seen = details ?? this.#look(ended[0]);
    // Before its client hears of the end, and may delete the container.
    const lines = tasks.map((task) => this.#readLines(task));
    await this.#deps.ledger.tell(envelopes, seen);
    for (const [index, task] of tasks.entries()) this.#writeLines(task, lines[index]);
  }

  /** Looks for last lines that a former daemon did not live to write down. */
  async settle(): Promise<void> {
    if (this.#deps.lastLines === undefined) return;
    for (const task of await this.#deps.ledger.endsWithoutLines()) this.#writeLines(task, this.#readLines(task));
  }

  #isInit(namespace: string, containerId: string, id: string, pid: number): boolean {
    if (id !== containerId) return false;
    const known = this.#deps.table.get(namespace, containerId)?.init.state.pid ?? 0;
    return known === 0 || pid === 0 || known === pid;
  }

  #look(ended: EndedProcess | undefined): ExitDetails | undefined {
    if (ended === undefined) return undefined;
    const { namespace, containerId, id, pid } = ended;
    const execId = this.#isInit(namespace, containerId, id, pid) ? "" : id;
    try {
      return this.#deps.table.get(namespace, containerId)?.task.exitDetails?.(execId);
    } catch (err) {
      this.#deps.log.debug({ err, namespace, id: containerId, execId }, "nothing is known of an end");
      return undefined;
    }
  }

  async #readLines({ namespace, containerId }: TaskName): Promise<Uint8Array[] | undefined> {
    try {
      const lines = await this.#deps.lastLines?.lastLines(namespace, containerId, undefined, LAST_LINES);
      return lines && lastOf(lines);
    } catch (err) {
      this.#deps.log.warn({ err, namespace, id: containerId }, "last lines of a task cannot be read");
      return undefined;
    }
  }

  /** One after another for a task: what is told twice is read twice, and stays as it was first. */
  #writeLines({ namespace, containerId }: TaskName, reading: Promise<Uint8Array[] | undefined> | undefined): void {
    const key = `${namespace}/${containerId}`;
    const write = async (): Promise<void> => {
      const lines = await reading;
      if (lines !== undefined) await this.#deps.ledger.noteLastLines({ namespace, containerId }, lines);
    };
    const work = write()
      .catch((err: unknown) => this.#deps.log.warn({ err, namespace, id: containerId }, "last lines were not noted"))
      .finally(() => {
        if (this.#reading.get(key) === work) this.#reading.delete(key);
      });
    this.#reading.set(key, work);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#reading.values());
  }

  get position(): bigint {
    return this.#deps.ledger.position;
  }

  append(envelopes: readonly EventEnvelope[]): Promise<void> {
    return this.#deps.ledger.append(envelopes);
  }

  subscribe(options?: SubscribeOptions): EventStream {
    return this.#deps.ledger.subscribe(options);
  }

  noteRequest(process: ProcessName, request: ExitRequest | undefined): Promise<void> {
    return this.#deps.ledger.noteRequest(process, request);
  }

  noteLastLines(task: TaskName, lines: readonly Uint8Array[]): Promise<void> {
    return this.#deps.ledger.noteLastLines(task, lines);
  }

  endsWithoutLines(): Promise<TaskName[]> {
    return this.#deps.ledger.endsWithoutLines();
  }

  openProcesses(task?: TaskName): Promise<OpenProcess[]> {
    return this.#deps.ledger.openProcesses(task);
  }

  exitOf(process: Omit<OpenProcess, "hasExited">): Promise<ProcessExit | undefined> {
    return this.#deps.ledger.exitOf(process);
  }
}

interface EndedProcess extends TaskName {
  /** The exec's, or the container's. */
  readonly id: string;
  readonly pid: number;
}

function endedProcess({ namespace, topic, event }: EventEnvelope): EndedProcess[] {
  if (topic !== TOPICS.exit || event === undefined) return [];
  try {
    const { containerId, id, pid } = TaskExit.decode(event.value);
    return [{ namespace, containerId, id, pid }];
  } catch {
    return [];
  }
}

/** The last of them that fit; of one that is too long alone, its end. */
function lastOf(lines: readonly Uint8Array[]): Uint8Array[] {
  const kept: Uint8Array[] = [];
  let left = MAX_BYTES;
  for (const line of lines.toReversed()) {
    if (line.length > left && kept.length > 0) break;
    kept.unshift(line.subarray(Math.max(0, line.length - left)));
    left -= Math.min(line.length, left);
  }
  return kept;
}
