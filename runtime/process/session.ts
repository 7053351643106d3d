// The processes of a session, as /proc tells: what a task without a control group consists of.
import { readdir, readFile } from "node:fs/promises";
import { hasCode } from "../sys/errno.js";

/** What /proc/PID/stat says that matters here. */
export interface ProcessStat {
  /** One letter: Z and X are dead. */
  readonly state: string;
  readonly session: number;
  /** With the pid it names one process of this boot: clock ticks from boot to its start. */
  readonly startTicks: string;
}

/** undefined for a process that is gone. */
export async function readStat(pid: number | string): Promise<ProcessStat | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The name, in parentheses, may hold anything.
  const [state, , , session, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (state === undefined || session === undefined) return undefined;
  return { state, session: Number(session), startTicks: rest[15] ?? "" };
}

/** Of all living processes in the sessions that these lead. */
export async function sessionPids(leaders: ReadonlySet<number>): Promise<number[]> {
  const found: number[] = [];
  if (leaders.size === 0) return found;
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readStat(name);
    const isDead = stat?.state === "Z" || stat?.state === "X";
    if (stat !== undefined && !isDead && leaders.has(stat.session)) found.push(Number(name));
  }
  return found;
}

/** @returns false when there is no such process any more. @throws an Error with an errno code: EPERM, EINVAL. */
export function sendSignal(pid: number, signalNumber: number): boolean {
  try {
    process.kill(pid, signalNumber);
    return true;
  } catch (error) {
    if (hasCode(error, "ESRCH")) return false;
    throw error;
  }
}
