// The ends that nobody saw. A shim gives up telling after a while, may die before it has told, and a client may delete what it has
// not told yet; so whatever is known here is told to the ledger, which takes each thing once. What a former daemon left open is
// settled at the start: with the true status where somebody still knows it, else with 255 and marked unknown.
import { isNotFound } from "../api/core/errors.js";
import type { Logger } from "../api/core/log.js";
import type { ProcessExit } from "../api/core/task.js";
import type { OpenProcess, TaskLedger } from "../api/core/task-ledger.js";
import { type TaskVerdict, taskVerdictCodec, VERDICT_TOPICS, type VerdictKind } from "../api/core/task-verdict.js";
import type { Clock } from "../api/core/time.js";
import type { RuntimeDriver, TaskGone } from "./driver.js";
import type { TaskEntry } from "./task-entry.js";
import {
  type CreatedTask,
  createEvent,
  deleteEvent,
  envelopesOf,
  exitEvent,
  startEvent,
  type TaskEvent,
} from "./task-events.js";

/** What stands for a status that nobody knows. */
const UNKNOWN_STATUS = 255;
/** A living shim tells again for about 15 s; then its news are gone. */
const LIVING_SHIM_MS = 20_000;
/** What a shim sent before it ended may still be on its way through our socket. */
const ENDED_SHIM_MS = 2_000;
/** Less than what the ledger keeps of a process whose end it has told. */
const REMEMBERED_NS = 30_000_000_000n;
/** How long after init an exec may end. */
const EXEC_END_MS = 1_000;

export interface RecoveryDeps {
  readonly ledger: TaskLedger;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Recovery implements AsyncDisposable {
  readonly #deps: RecoveryDeps;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #running = new Set<Promise<void>>();

  constructor(deps: RecoveryDeps) {
    this.#deps = deps;
  }

  /** A task is there, and whoever made it is about to hear so. Its shim may take longer to tell than the task to start. */
  async created(namespace: string, id: string, created: CreatedTask): Promise<void> {
    // Without a pid, as before a restore, the shim's own telling could not be known again after the start.
    if (created.pid !== 0) await this.#tell(namespace, [createEvent(id, created)]);
  }

  /** A process runs, and whoever started it is about to hear so. */
  async started(namespace: string, id: string, execId: string, pid: number): Promise<void> {
    if (pid !== 0) await this.#tell(namespace, [startEvent(id, execId, pid)]);
  }

  /**
   * A process is about to be deleted, and then its shim forgets how it ended, which it may not have told yet. So that is told first:
   * a daemon that dies between the two takes nothing with it.
   */
  async forgetting(entry: TaskEntry, execId: string): Promise<void> {
    if (entry.isExitReported(execId) || entry.process(execId)?.state.status === "created") return;
    if (entry.process(execId)?.exit === undefined) await entry.ask(execId).catch(() => undefined);
    const exit = entry.process(execId)?.exit;
    if (exit !== undefined) await this.#tell(entry.task.namespace, endOf(entry.task.id, execId, exit));
  }

  /** An exec was deleted; nobody but us can tell how it ended any more. */
  async execDeleted(namespace: string, id: string, execId: string, exit: ProcessExit): Promise<void> {
    await this.#tell(namespace, endOf(id, execId, exit));
  }

  /** A task is about to be deleted, and with it whoever knows how its execs ended: those that nobody deleted are told now. */
  async deleting(entry: TaskEntry): Promise<void> {
    await this.forgetting(entry, "");
    if (entry.init.exit === undefined) return;
    const { namespace, id } = entry.task;
    const open = await this.#deps.ledger.openProcesses({ namespace, containerId: id });
    // One whose start was cut off with a former daemon may never have been told of.
    const execs = entry.execPids();
    for (const { execId, pid } of open) if (execId !== "" && !execs.has(execId)) execs.set(execId, pid);
    for (const [execId, pid] of execs) {
      const isOpen = open.some((process) => process.execId === execId && process.pid === pid);
      try {
        // It ended with init, at the latest, though the shim may be a moment behind.
        const exit = await entry.task.wait(execId, AbortSignal.timeout(EXEC_END_MS));
        if (!isOpen && this.#mayBeForgotten(exit)) continue;
        await this.#tell(namespace, endOf(id, execId, { ...exit, pid }));
      } catch (err) {
        this.#deps.log.debug({ err, namespace, id, execId }, "exec does not tell its exit");
      }
    }
  }

  /** A task was deleted. `hasRun` is false for one that was created only: how it ends means nothing. */
  async deleted(namespace: string, id: string, exit: ProcessExit, hasRun: boolean): Promise<void> {
    const end = hasRun ? endOf(id, "", exit) : [];
    await this.#tell(namespace, [...end, deleteEvent(id, exit)]);
    await this.#settleExecsLater(namespace, id, "its task was deleted");
  }

  /** A create failed, and nothing is left of it; its shim may have told that there is a task, though. */
  async createFailed(namespace: string, id: string): Promise<void> {
    const open = await this.#deps.ledger.openProcesses({ namespace, containerId: id });
    if (open.length > 0) this.#settleLater(open, ENDED_SHIM_MS, "its create failed");
  }

  /**
   * A task ended without Delete and what was left of it is gone. `known` is its exit if somebody saw it. Of a task that the ledger
   * never heard of, nothing but the verdict is told.
   */
  async gone(gone: TaskGone, known: ProcessExit | undefined, wasLoaded: boolean): Promise<void> {
    const { namespace, id, reason } = gone;
    const open = await this.#deps.ledger.openProcesses({ namespace, containerId: id });
    const init = open.find(({ execId }) => execId === "");
    const told = known ?? (await this.#told(init));
    const exit = told ?? gone.exit;
    const pid = init?.pid ?? exit.pid;
    const isExitKnown = told !== undefined || gone.isExitKnown !== false;
    const verdict = { containerId: id, execId: "", pid, exitStatus: exit.exitStatus, isExitKnown, reason };
    this.#deps.log.warn({ namespace, id, reason, exitStatus: exit.exitStatus }, "task is gone");
    if (init === undefined && !wasLoaded) {
      await this.#tell(namespace, [verdictEvent("cleaned", verdict)]);
      return;
    }
    const ended = { ...exit, pid };
    const events = [exitEvent(id, "", ended), deleteEvent(id, ended), verdictEvent("lost", verdict)];
    await this.#tell(namespace, events);
    await this.#settleExecsLater(namespace, id, reason);
  }

  /** A task was killed since its daemon has come to its end. */
  async ended(namespace: string, id: string, exit: ProcessExit, reason: string): Promise<void> {
    const { pid, exitStatus } = exit;
    const verdict = { containerId: id, execId: "", pid, exitStatus, isExitKnown: true, reason };
    await this.#tell(namespace, [...endOf(id, "", exit), verdictEvent("ended", verdict)]);
  }

  /** Settles what a former daemon left open. `entries` are the tasks that were found; the drivers are asked about the others. */
  async settle(entries: readonly TaskEntry[], drivers: readonly Pick<RuntimeDriver, "hasRemains">[]): Promise<void> {
    const open = await this.#deps.ledger.openProcesses();
    for (const entry of entries) {
      const { namespace, id } = entry.task;
      const ofTask = open.filter((process) => process.namespace === namespace && process.containerId === id);
      await this.#settleLoaded(entry, ofTask);
    }
    const loaded = new Set(entries.map(({ task }) => `${task.namespace}/${task.id}`));
    for (const process of open) {
      const { namespace, containerId } = process;
      if (loaded.has(`${namespace}/${containerId}`)) continue;
      const remains = await Promise.all(drivers.map((driver) => driver.hasRemains(namespace, containerId)));
      // Its shim could not be reached; the next daemon may do better.
      if (remains.includes(true)) continue;
      await this.#settleLost(process, "nothing is left of it; the host may have been restarted");
    }
  }

  async #settleLoaded(entry: TaskEntry, open: readonly OpenProcess[]): Promise<void> {
    const { namespace, id } = entry.task;
    const init = open.find(({ execId }) => execId === "");
    const { exit, state } = entry.init;
    if (exit !== undefined && init?.hasExited !== true) await this.#settled(namespace, id, "", exit);
    // Whoever started it may not have lived to tell.
    if (state.status === "running") await this.started(namespace, id, "", state.pid);
    await this.#tellUntold(entry, open);
    const unknown: OpenProcess[] = [];
    for (const process of open) {
      if (process.execId === "") continue;
      try {
        await entry.ask(process.execId);
        const { exit } = entry.process(process.execId) ?? {};
        if (exit?.pid === process.pid) await this.#settled(namespace, id, process.execId, exit);
        // Another one of its name has taken its place.
        else if (entry.process(process.execId)?.state.pid !== process.pid) unknown.push(process);
      } catch (err) {
        if (isNotFound(err)) unknown.push(process);
        else this.#deps.log.warn({ err, namespace, id, execId: process.execId }, "exec does not tell its state");
      }
    }
    if (unknown.length > 0) this.#settleLater(unknown, LIVING_SHIM_MS, "its shim does not know it any more");
  }

  /** Execs whose start a former daemon did not live to hear of: told as started they are open, and so will be settled one day. */
  async #tellUntold(entry: TaskEntry, open: readonly OpenProcess[]): Promise<void> {
    const { namespace, id } = entry.task;
    const isOpen = ([execId, pid]: readonly [string, number]): boolean =>
      open.some((process) => process.execId === execId && process.pid === pid);
    for (const execId of (await entry.task.startedExecs?.()) ?? []) {
      await entry
        .ask(execId)
        .catch((err: unknown) => this.#deps.log.debug({ err, namespace, id, execId }, "no such exec"));
    }
    for (const [execId, pid] of [...entry.execPids()].filter((exec) => !isOpen(exec))) {
      const exit = entry.process(execId)?.exit;
      if (exit === undefined) await this.#tell(namespace, [startEvent(id, execId, pid)]);
      else if (!this.#mayBeForgotten(exit)) await this.#settled(namespace, id, execId, exit);
    }
  }

  /** The ledger forgets what it has told: an older end may be one of those. */
  #mayBeForgotten(exit: ProcessExit): boolean {
    return (exit.exitedAtNs ?? 0n) < this.#deps.clock() - REMEMBERED_NS;
  }

  async #settled(namespace: string, id: string, execId: string, exit: ProcessExit): Promise<void> {
    const { pid, exitStatus } = exit;
    const reason = "it ended while no daemon was running";
    const verdict = { containerId: id, execId, pid, exitStatus, isExitKnown: true, reason };
    await this.#tell(namespace, [...endOf(id, execId, exit), verdictEvent("settled", verdict)]);
  }

  /** Tells the end of a process of which nobody knows how it ended. */
  async #settleLost(process: OpenProcess, reason: string): Promise<void> {
    const { namespace, containerId, execId, pid, hasExited } = process;
    const told = await this.#told(process);
    const exit = told ?? { pid, exitStatus: UNKNOWN_STATUS, exitedAtNs: this.#deps.clock() };
    const { exitStatus } = exit;
    const verdict = { containerId, execId, pid, exitStatus, isExitKnown: told !== undefined, reason };
    const events = hasExited ? [] : [exitEvent(containerId, execId, exit)];
    if (execId === "") events.push(deleteEvent(containerId, exit));
    await this.#tell(namespace, [...events, verdictEvent("lost", verdict)]);
  }

  /** The end of a process whose delete alone is owed. */
  async #told(process: OpenProcess | undefined): Promise<ProcessExit | undefined> {
    return process?.hasExited === true ? await this.#deps.ledger.exitOf(process) : undefined;
  }

  async #settleExecsLater(namespace: string, id: string, reason: string): Promise<void> {
    const open = await this.#deps.ledger.openProcesses({ namespace, containerId: id });
    const execs = open.filter(({ execId }) => execId !== "");
    if (execs.length > 0) this.#settleLater(execs, ENDED_SHIM_MS, reason);
  }

  /** Settles those that are still open then. A daemon that ends before leaves them to the next one. */
  #settleLater(processes: readonly OpenProcess[], delayMs: number, reason: string): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const work = this.#settleOpen(processes, reason)
        .catch((err: unknown) => this.#deps.log.error({ err }, "settling processes failed"))
        .finally(() => this.#running.delete(work));
      this.#running.add(work);
    }, delayMs);
    timer.unref();
    this.#timers.add(timer);
  }

  async #settleOpen(processes: readonly OpenProcess[], reason: string): Promise<void> {
    for (const process of processes) {
      const open = await this.#deps.ledger.openProcesses(process);
      const isOpen = open.some(({ execId, pid }) => execId === process.execId && pid === process.pid);
      if (isOpen) await this.#settleLost(process, reason);
    }
  }

  async #tell(namespace: string, events: readonly TaskEvent[]): Promise<void> {
    await this.#deps.ledger.tell(envelopesOf(namespace, this.#deps.clock(), events));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    await Promise.all(this.#running);
  }
}

/** Start and exit of a process that has run: whichever was told before is left out. */
function endOf(id: string, execId: string, exit: ProcessExit): TaskEvent[] {
  if (exit.exitedAtNs === undefined) return [];
  // An engine tells a pid only while the process runs; of a life that nobody saw there is the end alone.
  if (exit.pid === 0) return execId === "" ? [exitEvent(id, execId, exit)] : [];
  return [startEvent(id, execId, exit.pid), exitEvent(id, execId, exit)];
}

const verdictEvent = (kind: VerdictKind, verdict: TaskVerdict): TaskEvent => ({
  topic: VERDICT_TOPICS[kind],
  event: taskVerdictCodec.encode(verdict),
});
