// All processes of a task together: its control group where it has one, else the sessions of those that were started for it. A
// process that leaves its session cannot be found then.

import { notImplemented } from "../../api/core/errors.js";
import type { Any } from "../../api/core/typeurl.js";
import type { LinuxResources } from "./resources.js";
import { sendSignal, sessionPids } from "./session.js";
import type { TaskCgroup } from "./task-cgroup.js";

const SIGKILL = 9;
const SIGCONT = 18;
const SIGSTOP = 19;
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
    await this.#cgroup?.add(pid);
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

  async signalAll(signalNumber: number): Promise<void> {
    for (const pid of await this.pids()) sendSignal(pid, signalNumber);
  }

  /** Returns when all are dead or are beyond reach. */
  async killAll(): Promise<void> {
    for (const giveUpAt = Date.now() + GIVE_UP_MS; Date.now() < giveUpAt; ) {
      const pids = await this.pids();
      if (pids.length === 0) return;
      for (const pid of pids) sendSignal(pid, SIGKILL);
      await this.#cgroup?.thaw();
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  async freeze(): Promise<void> {
    if (this.#cgroup === undefined) await this.signalAll(SIGSTOP);
    else await this.#cgroup.freeze();
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
