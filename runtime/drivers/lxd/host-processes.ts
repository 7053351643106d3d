// The processes of an instance as this host sees them, where LXD runs on it: all that are in the control groups that LXD has made for it,
// whoever started them. A pid is trusted only where the kernel says that it belongs there.
import { readdir, readFile } from "node:fs/promises";
import { isNotFound, notImplemented } from "../../../api/core/errors.js";
import type { ProcessInfo } from "../../../api/core/task.js";
import { anyOfMessage } from "../../../api/core/typeurl.js";
import { ProcessDetails } from "../../../api/gen/types/runc/options/oci.js";
import { alreadyFinished } from "../../engine-driver/words.js";
import { hasCode } from "../../sys/errno.js";

/** A zombie's or a dead one's, behind its name, which may hold anything. */
const ENDED = /\) [ZX] /;
/** liblxc's group for what runs in an instance, in any hierarchy. */
const PAYLOAD = /^\d+:[^:]*:(.*\/lxc\.payload\.([^/\n]+))/m;

/** The group of an instance whose init has this pid; undefined when that is not on this host, or has ended. */
export async function payloadGroup(instance: string, initPid: number): Promise<string | undefined> {
  if (initPid === 0) return undefined;
  const [, group, name] = PAYLOAD.exec((await groupsOf(initPid)) ?? "") ?? [];
  // Of another project of LXD's it has that before its name.
  return name === instance || name?.endsWith(`_${instance}`) === true ? group : undefined;
}

/** Pids of all processes of a group, without those that only wait to be forgotten. */
export async function processesIn(group: string): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const isIn = await Promise.all(pids.map((pid) => isInGroup(pid, group)));
  return pids.filter((_, index) => isIn[index]);
}

export async function isInGroup(pid: number, group: string): Promise<boolean> {
  const groups = await groupsOf(pid);
  return groups?.split("\n").some((line) => `${line}/`.includes(`:${group}/`)) === true;
}

/** @param group undefined: on another host. @throws not_found when it has ended; not_implemented when it is not on this host. */
export async function signalProcess(group: string | undefined, pid: number, signalNumber: number): Promise<void> {
  if (group === undefined) throw notImplemented(`signal ${signalNumber} for a process that this host does not know`);
  if (!(await isInGroup(pid, group))) throw alreadyFinished();
  try {
    process.kill(pid, signalNumber);
  } catch (error) {
    if (hasCode(error, "ESRCH")) throw alreadyFinished();
    throw error;
  }
}

/** To all. Those that have ended count for nothing. @throws the first failure, when all have been tried. */
export async function signalAll(group: string | undefined, signalNumber: number): Promise<void> {
  let failure: unknown;
  for (const pid of group === undefined ? [0] : await processesIn(group)) {
    await signalProcess(group, pid, signalNumber).catch((error: unknown) => {
      if (!isNotFound(error)) failure ??= error;
    });
  }
  if (failure !== undefined) throw failure;
}

/** Which of them are execs. */
export function processInfos(
  pids: readonly number[],
  execs: readonly { readonly pid: number; readonly id: string }[],
): ProcessInfo[] {
  const execIds = new Map(execs.map(({ pid, id }) => [pid, id]));
  return pids.map((pid) => {
    const execId = execIds.get(pid);
    if (execId === undefined) return { pid };
    const details = ProcessDetails.fromPartial({ execId });
    return { pid, info: anyOfMessage("containerd.runc.v1.ProcessDetails", ProcessDetails, details) };
  });
}

/** undefined when there is no such process, or one that only waits to be forgotten: that belongs to no group any more. */
async function groupsOf(pid: number): Promise<string | undefined> {
  try {
    const [groups, stat] = await Promise.all(
      ["cgroup", "stat"].map((name) => readFile(`/proc/${pid}/${name}`, "utf8")),
    );
    return ENDED.test(stat ?? "") ? undefined : groups;
  } catch (error) {
    if (hasCode(error, "ENOENT", "ESRCH")) return undefined;
    throw error;
  }
}
