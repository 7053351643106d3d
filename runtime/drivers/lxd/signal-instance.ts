// Signals for the processes of an instance: by their pids, where LXD runs on this host. Elsewhere LXD knows but how to ask init to end.
import { notImplemented } from "../../../api/core/errors.js";
import type { Logger } from "../../../api/core/log.js";
import { alreadyFinished } from "../../engine-driver/words.js";
import { changeState, getInstanceState } from "../../lxd/instances.js";
import type { LxdServer } from "../../lxd/server.js";
import { payloadGroup, signalAll, signalProcess } from "./host-processes.js";
import type { TaskFile } from "./task-file.js";

const SIGTERM = 15;
const SIGPWR = 30;
/** How long an init that is asked to end may take before that is given up; nobody waits for it. */
const GRACE_MS = 600_000;

export interface Signalled {
  readonly server: LxdServer;
  readonly file: TaskFile;
  readonly log: Logger;
  readonly disposed: AbortSignal;
}

/** To init, or to all. @throws not_found when it has ended; not_implemented for what LXD has no words for. */
export async function signalInstance(
  { server, file, log, disposed }: Signalled,
  { signalNumber, all }: { readonly signalNumber: number; readonly all: boolean },
): Promise<void> {
  const { instance, pid } = file.saved;
  const group = await payloadGroup(instance, pid);
  if (group !== undefined) {
    await (all ? signalAll(group, signalNumber) : signalProcess(group, pid, signalNumber));
    return;
  }
  if ((await getInstanceState(server, instance)).pid === 0) throw alreadyFinished();
  if (signalNumber !== SIGTERM && signalNumber !== SIGPWR) {
    throw notImplemented(`signal ${signalNumber} for an LXD container whose processes this host does not know`);
  }
  changeState(server, instance, "stop", { graceMs: GRACE_MS, signal: disposed }).catch((err: unknown) => {
    if (!disposed.aborted) log.warn({ err, instance }, "asking an instance to stop failed");
  });
}
