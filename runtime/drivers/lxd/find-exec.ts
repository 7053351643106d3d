// The pid of a process that LXD has just added to an instance, which LXD does not tell: the child of the `lxd forkexec` that was started
// for it, where LXD runs on this host.
import { readProcess } from "../../host-processes.js";
import { processesIn } from "./host-processes.js";

export interface WantedExec {
  readonly instance: string;
  /** Control group of the instance. */
  readonly group: string;
  readonly command: readonly string[];
  /** Those that were there before. */
  readonly others: ReadonlySet<number>;
}

/** undefined when there is none, or none yet. */
export async function findExec({ instance, group, command, others }: WantedExec): Promise<number | undefined> {
  for (const pid of (await processesIn(group)).filter((one) => !others.has(one))) {
    const process = await readProcess(pid);
    const args = process === undefined ? [] : ((await readProcess(process.parentPid))?.args ?? []);
    if (args[1] === "forkexec" && args[2] === instance && endsWith(args, [...command, ""])) return pid;
  }
  return undefined;
}

const endsWith = (args: readonly string[], last: readonly string[]): boolean =>
  last.every((arg, index) => args[args.length - last.length + index] === arg);
