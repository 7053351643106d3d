// All processes of a task together: its control group where it has one, else the sessions of those that were started for it. A
// process that leaves its session cannot be found then.
import { setTimeout as sleep } from "node:timers/promises";
import { failedPrecondition, notImplemented, unknownError } from "../../api/core/errors.js";
import type { ProcessInfo } from "../../api/core/task.js";
import { type Any, anyOfMessage } from "../../api/core/typeurl.js";
import { ProcessDetails } from "../../api/gen/types/runc/options/oci.js";
import { systemReason } from "../sys/system-text.js";
import type { LinuxResources } from "./resources.js";
import { readStat, sendSignal, sessionPids } from "./session.js";
import type { TaskCgroup } from "./task-cgroup.js";

const SIGKILL = 9;
const SIGCONT = 18;
const SIGSTOP = 19;
/** As /proc/PID/stat has it, also under a debugger. */
const STOPPED = ["T", "t"];
/** Between looks whether those that were killed have gone. */
const LOOK_MS = 5;
/** A process that hangs in the kernel dies when that lets go of it. */
const GIVE_UP_MS = 10_000;

export class TaskProcesses {
  readonly #cgroup: TaskCgroup | undefined;
  readonly #leaders = new Set<number>();

  constructor(cgroup: TaskCgroup | undefined) {
    this.#cgroup = cgroup;
  }

  /** A process that waits to begin, and leads a session of its own. */
  async add(pid: number): Promise<void> {
    this.#leaders.add(pid);
    try {
      await this.#cgroup?.add(pid);
    } catch (error) {
      throw unknownError(`failed to join the control group: ${systemReason(error)}`, error);
    }
  }

  /** One that has ended: what it left behind in its session still counts. */
  async forget(pid: number): Promise<void> {
    if (this.#cgroup !== undefined || (await sessionPids(new Set([pid]))).length === 0) this.#leaders.delete(pid);
  }

  get leaders(): readonly number[] {
    return [...this.#leaders];
  }

  get cgroupFolders(): readonly string[] {
    return this.#cgroup?.folders ?? [];
  }

  async pids(): Promise<number[]> {
    return this.#cgroup === undefined ? await sessionPids(this.#leaders) : await this.#cgroup.pids();
  }

  /** @param execIds of the processes that were started as execs */
  async list(execIds: ReadonlyMap<number, string>): Promise<ProcessInfo[]> {
    return (await this.pids()).map((pid) => {
      const execId = execIds.get(pid);
      if (execId === undefined) return { pid };
      const details = ProcessDetails.fromPartial({ execId });
      return { pid, info: anyOfMessage("containerd.runc.v1.ProcessDetails", ProcessDetails, details) };
    });
  }

  /** @throws the first failure, when all have been tried: EPERM for one of another user. */
  async signalAll(signalNumber: number): Promise<void> {
    let failure: unknown;
    for (const pid of await this.pids()) {
      try {
        sendSignal(pid, signalNumber);
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  /** Returns when all are dead or are beyond our reach. */
  async killAll(): Promise<void> {
    for (const giveUpAt = Date.now() + GIVE_UP_MS; Date.now() < giveUpAt; ) {
      const pids = await this.pids();
      if (pids.filter(canKill).length === 0) return;
      await this.#cgroup?.thaw();
      await sleep(LOOK_MS);
    }
  }

  /** @throws failed_precondition when they cannot be stopped; they go on then. */
  async freeze(): Promise<void> {
    if (this.#cgroup !== undefined) return await this.#cgroup.freeze();
    try {
      await this.#stopAll();
    } catch (error) {
      await this.thaw().catch(() => {});
      throw error;
    }
  }

  /** Until there is none that was born while the others were told. */
  async #stopAll(): Promise<void> {
    for (const giveUpAt = Date.now() + GIVE_UP_MS; Date.now() < giveUpAt; await sleep(LOOK_MS)) {
      const running = (await this.pids()).filter((pid) => !STOPPED.includes(readStat(pid)?.state ?? "T"));
      if (running.length === 0) return;
      for (const pid of running) sendSignal(pid, SIGSTOP);
    }
    throw failedPrecondition("processes of the task cannot be stopped");
  }

  async thaw(): Promise<void> {
    if (this.#cgroup === undefined) await this.signalAll(SIGCONT);
    else await this.#cgroup.thaw();
  }

  async stats(): Promise<Any> {
    if (this.#cgroup === undefined) throw notImplemented("stats of a task without a control group");
    return await this.#cgroup.stats();
  }

  async update(resources: LinuxResources): Promise<void> {
    if (this.#cgroup === undefined) throw notImplemented("resources of a task without a control group");
    await this.#cgroup.update(resources);
  }

  async remove(): Promise<void> {
    await this.killAll();
    await this.#cgroup?.remove();
  }
}

/** Kills it. @returns false when it is gone or another user's. */
function canKill(pid: number): boolean {
  try {
    return sendSignal(pid, SIGKILL);
  } catch {
    return false;
  }
}
