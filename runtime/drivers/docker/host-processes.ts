// Processes of a container as this host sees them: which they are, and signals for those that Docker has no words to reach. A pid is
// trusted only where the kernel says that it belongs to the container.
import { readFile } from "node:fs/promises";
import * as z from "zod";
import { isNotFound, notImplemented, unknownError } from "../../../api/core/errors.js";
import type { ProcessInfo } from "../../../api/core/task.js";
import { anyOfMessage } from "../../../api/core/typeurl.js";
import { ProcessDetails } from "../../../api/gen/types/runc/options/oci.js";
import type { Engine } from "../../docker/engine.js";
import { engineKind } from "../../docker/engine-kind.js";
import { alreadyFinished } from "../../engine-driver/words.js";
import { hasCode } from "../../sys/errno.js";
import type { Place } from "./deeds.js";

/** Podman's ps runs in the container, and counts as that does, unless it is asked for its own names. */
const PS = { docker: { title: "PID", args: {} }, podman: { title: "HPID", args: { ps_args: "hpid" } } } as const;
/** A zombie's or a dead one's, behind its name, which may hold anything. */
const ENDED = /\) [ZX] [^)]*$/;
const topSchema = z.object({ Titles: z.array(z.string()), Processes: z.array(z.array(z.string())).nullish() });

/** Pids of a running container, as the engine's host counts. @throws failed_precondition when it does not run. */
export async function containerPids(engine: Engine, containerId: string, signal?: AbortSignal): Promise<number[]> {
  const { title, args } = PS[await engineKind(engine)];
  const reply: unknown = await engine.call(
    `list the processes of container ${containerId}`,
    (docker, abortSignal) => docker.getContainer(containerId).top({ ...args, abortSignal }),
    { signal },
  );
  const { Titles, Processes } = topSchema.parse(reply);
  const column = Titles.indexOf(title);
  if (column < 0) throw unknownError(`docker: the engine lists processes without ${title}`);
  return (Processes ?? []).map((row) => Number(row[column])).filter((pid) => Number.isInteger(pid) && pid > 0);
}

/** Sends a signal to a process of the container. @throws not_found when it has ended; not_implemented when it is not on this host. */
export async function signalProcess(
  engine: Engine,
  containerId: string,
  pid: number,
  signalNumber: number,
): Promise<void> {
  if (!engine.isLocal) throw notImplemented(`a signal for a process on another host than this (${engine.host})`);
  const groups = await cgroupsOf(pid);
  if (groups === undefined) throw alreadyFinished();
  if (!groups.includes(containerId)) throw notImplemented(`a signal for process ${pid}, which this host does not know`);
  try {
    process.kill(pid, signalNumber);
  } catch (error) {
    if (hasCode(error, "ESRCH")) throw alreadyFinished();
    throw error;
  }
}

/** The same for several. Those that have ended count for nothing. @throws the first failure, when all have been tried. */
export async function signalProcesses(
  { engine, containerId }: Place,
  pids: readonly number[],
  signalNumber: number,
): Promise<void> {
  let failure: unknown;
  for (const pid of pids) {
    await signalProcess(engine, containerId, pid, signalNumber).catch((error: unknown) => {
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
async function cgroupsOf(pid: number): Promise<string | undefined> {
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
