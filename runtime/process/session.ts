// The processes of a session, as /proc tells: what a task without a control group consists of.
import { readdirSync, readFileSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { hasCode } from "../sys/errno.js";

/** On hosts with many processes others have their turn in between. */
const LOOKS_AT_ONCE = 200;

/** What /proc/PID/stat says that matters here. */
export interface ProcessStat {
  /** One letter: Z and X are dead. */
  readonly state: string;
  readonly parent: number;
  readonly session: number;
  /** With the pid it names one process of this boot: clock ticks from boot to its start. */
  readonly startTicks: string;
}

/** undefined for a process that is gone. Synchronous, as the kernel answers at once: a thread would take many times as long. */
export function readStat(pid: number | string): ProcessStat | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The name, in parentheses, may hold anything.
  const [state, parent, , session, ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (state === undefined || session === undefined) return undefined;
  return { state, parent: Number(parent), session: Number(session), startTicks: rest[15] ?? "" };
}

/** Of all living processes in the sessions that these lead. */
export async function sessionPids(leaders: ReadonlySet<number>): Promise<number[]> {
  const found: number[] = [];
  if (leaders.size === 0) return found;
  let looked = 0;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    looked += 1;
    if (looked % LOOKS_AT_ONCE === 0) await nextTurn();
    const stat = readStat(name);
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
