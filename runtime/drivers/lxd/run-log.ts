// How the init of an instance ended, which LXD does not tell but liblxc writes into the instance's log, when it is told to log what is
// worth knowing: `raw.lxc` of the instances that are made here says so.
import { text as textOf } from "node:stream/consumers";
import { openInstanceLog } from "../../lxd/instances.js";
import type { LxdServer } from "../../lxd/server.js";

/** The line of `raw.lxc` that makes liblxc write it. */
export const LOG_LEVEL = "lxc.log.level = INFO";

const TIMEOUT_MS = 5_000;
const STARTED = /Started "[^"]*" with pid "(\d+)"/g;
const EXITED = /Child <(\d+)> ended on error \((\d+)\)/g;
const SIGNALLED = /Child <(\d+)> ended on signal [^(]*\((\d+)\)/g;

const FAULT = / ERROR +\S+ - \S+:\S+:\d+ - (.*)/;

/** The last run of an instance: the log of an earlier one is put aside by its start. */
export interface RunLog {
  /** Of init, as LXD's host counts. */
  readonly pid: number;
  /** undefined while it runs, and for an end of its own accord without a fault. */
  readonly exitCode: number | undefined;
  /** That ended it. */
  readonly signal: number | undefined;
}

/** undefined when nothing was logged, as for instances that are not ours. @throws not_found, unavailable, … */
export async function readRunLog(server: LxdServer, instance: string): Promise<RunLog | undefined> {
  return parseRunLog(await readLog(server, instance));
}

/** Why the last start failed, as far as liblxc has said so; "" when nobody knows. */
export async function readStartFault(server: LxdServer, instance: string): Promise<string> {
  return parseStartFault(await readLog(server, instance).catch(() => ""));
}

async function readLog(server: LxdServer, instance: string): Promise<string> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  return await textOf(await openInstanceLog(server, instance, "lxc.log", { signal }));
}

/** The first error: what follows it comes of it. */
export const parseStartFault = (text: string): string => FAULT.exec(text)?.[1] ?? "";

export function parseRunLog(text: string): RunLog | undefined {
  const pid = Number([...text.matchAll(STARTED)].at(-1)?.[1] ?? 0);
  if (pid === 0) return undefined;
  const of = (pattern: RegExp): number | undefined => {
    const found = [...text.matchAll(pattern)].findLast((match) => Number(match[1]) === pid)?.[2];
    return found === undefined ? undefined : Number(found);
  };
  const signal = of(SIGNALLED);
  return { pid, exitCode: signal === undefined ? of(EXITED) : undefined, signal };
}
