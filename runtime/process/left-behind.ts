// What is left of a task when its shim has died: the processes go on, and only the bundle says which they are.
import type { ProcessExit } from "../../api/core/task.js";
import type { Clock } from "../../api/core/time.js";
import { removeCgroupFolders } from "./cgroup-kill.js";
import { readStat } from "./session.js";
import { TaskProcesses } from "./task-processes.js";
import { readInitPid, readTraces, type Traces } from "./traces.js";

const KILLED = 137;
/** -1 as the wire has it. */
const NO_PID = 0xffff_ffff;

export interface LeftBehind {
  readonly namespace: string;
  readonly id: string;
  /** Folder with what the shim wrote down, absolute. */
  readonly bundle: string;
  readonly clock: Clock;
}

/**
 * Kills what is left of a task and removes its control group; nothing that is not the task's is touched, whatever has its pid by now.
 * @returns pid and status 137, also when nothing was left; pid 4294967295 when no pid was ever written.
 */
export async function endLeftBehind({ bundle, clock }: LeftBehind): Promise<ProcessExit> {
  const traces = await readTraces(bundle);
  if (traces !== undefined) {
    const sessions = new TaskProcesses(undefined);
    for (const pid of ownLeaders(traces.leaders)) await sessions.add(pid);
    await sessions.killAll();
    await removeCgroupFolders(traces.cgroupFolders);
  }
  return { pid: (await readInitPid(bundle)) ?? NO_PID, exitStatus: KILLED, exitedAtNs: clock() };
}

/** A pid stays taken as long as its session has members, so one that leads nothing any more may still name a session of ours. */
function ownLeaders(leaders: Traces["leaders"]): number[] {
  const own: number[] = [];
  for (const { pid, startTicks } of leaders) {
    const stat = readStat(pid);
    if (stat === undefined || stat.startTicks === startTicks) own.push(pid);
  }
  return own;
}
