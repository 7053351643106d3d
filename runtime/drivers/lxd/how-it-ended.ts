// How the run of an instance ended that does not run any more, or whether it only begins anew. Of an instance of ours liblxc's log tells
// the status; of one that was there before LXD tells no more than whether it was ended by force.
import type { LxdServer } from "../../lxd/server.js";
import type { EndNews, EndWord } from "./end-news.js";
import { type RunLog, readRunLog } from "./run-log.js";

const SIGHUP = 1;
const SIGINT = 2;
const SIGNAL_BASE = 128;
const FORCED = SIGNAL_BASE + 9;
/** An end that is seen before it is told: on a busy machine LXD takes its time to clean up. */
const NEWS_MS = 5_000;
/** A restart follows the end within a moment; LXD says nothing of it before. */
const RESTART_MS = 2_000;
/** One that liblxc has announced takes what starts take. */
const ANNOUNCED_RESTART_MS = 30_000;

export interface EndedRun {
  readonly server: LxdServer;
  readonly instance: string;
  /** It writes no log of its ends. */
  readonly isAdopted: boolean;
  /** Of init; 0 when nobody has seen it. */
  readonly pid: number;
  readonly news: EndNews;
  /** Whether there will be any. */
  readonly hasNews: boolean;
  /** Whether we have ended it so. */
  readonly isForced: boolean;
}

export interface End {
  /** undefined when nobody knows. */
  readonly exitStatus: number | undefined;
  /** That ended init; undefined for none, and when nobody knows. */
  readonly signal: number | undefined;
  /** Of init; 0 when nobody has seen it. */
  readonly pid: number;
}

/** Takes up to some seconds. `restarted`: it was no end. */
export async function howItEnded(run: EndedRun): Promise<End | "restarted"> {
  const { server, instance, isAdopted, pid, news, hasNews } = run;
  const isExpected = !run.isForced && hasNews;
  const word = isExpected ? await news.wait(["shutdown", "stopped", "restarted"], NEWS_MS) : undefined;
  if (word === "restarted") return word;
  const isForced = run.isForced || word === "stopped";
  const log = isAdopted ? undefined : await readRunLog(server, instance).catch(() => undefined);
  // The log of a later run says nothing of this one.
  const own = log !== undefined && (pid === 0 || log.pid === pid) ? log : undefined;
  const isRestarting = own?.signal === SIGHUP;
  if (hasNews && !isForced && (own === undefined || isRestarting)) {
    const last = await news.wait(["restarted", "stopped"], isRestarting ? ANNOUNCED_RESTART_MS : RESTART_MS);
    if (last === "restarted") return last;
  }
  const exitStatus = own === undefined ? (isForced ? FORCED : statusOfWord(word)) : statusOfRun(own, isForced);
  const isSignalled =
    own?.signal === undefined ? isForced && exitStatus === FORCED : exitStatus === SIGNAL_BASE + own.signal;
  const signal = isSignalled && exitStatus !== undefined ? exitStatus - SIGNAL_BASE : undefined;
  return { exitStatus, signal, pid: own?.pid ?? pid };
}

/** As far as LXD itself tells one. */
export function statusOfWord(word: EndWord | undefined): number | undefined {
  if (word === "stopped") return FORCED;
  return word === "shutdown" ? 0 : undefined;
}

/**
 * The kernel ends the init of a machine that halts by SIGINT and of one that restarts by SIGHUP; none dies of them otherwise.
 * @see man 2 reboot, "Behavior inside PID namespaces"
 */
function statusOfRun({ signal, exitCode }: RunLog, isForced: boolean): number {
  if (signal === SIGHUP || signal === SIGINT) return 0;
  if (signal !== undefined) return SIGNAL_BASE + signal;
  return exitCode ?? (isForced ? FORCED : 0);
}
