// A task's own control group, where the host lets us make one: the only way to reach every process of the task.
import type { Any } from "../../api/core/typeurl.js";
import type { LinuxResources } from "./resources.js";

/** Removed when the task is; every method may be called after the last process has gone. */
export interface TaskCgroup {
  /** Absolute; for `removeCgroupFolders`, when whoever made the group is no more. */
  readonly folders: readonly string[];
  /** Moves a process in, with every thread; its children are born there. */
  add(pid: number): Promise<void>;
  /** Of all processes in it, those of groups below it included. */
  pids(): Promise<number[]>;
  /** Stops every process where it is; resolves when all of them have stopped. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** `io.containerd.cgroups.v1.Metrics` or `…v2.Metrics`, as the host's groups are. */
  stats(): Promise<Any>;
  /** @throws not_implemented, by name, for a limit that the host's controllers do not have; nothing is changed then. */
  update(resources: LinuxResources): Promise<void>;
  /** Kills what is left in it and removes it. Idempotent. */
  remove(): Promise<void>;
}
