// The start of an instance, and its pid, which LXD tells only while it runs: one that ends at once has had one too.
import { errorKind, unknownError } from "../../../api/core/errors.js";
import { changeState } from "../../lxd/instances.js";
import { readRunLog, readStartFault } from "./run-log.js";
import type { TaskInstance } from "./task-instance.js";

/** Resolves when it runs, or has run. @throws what LXD says, with liblxc's reason; it is as before its start then. */
export async function startInstance(instance: TaskInstance): Promise<void> {
  const { server, file } = instance.deps;
  const { isAdopted } = file.saved;
  instance.isStarting = true;
  try {
    // Before LXD has it: a daemon that comes back finds one that has ended meanwhile.
    await file.update({ isStarted: true });
    await changeState(server, instance.name, "start");
  } catch (error) {
    await file.update({ isStarted: false });
    // Whatever it was that could not be started: LXD says so of a bad moment, too.
    const isStopped = (await instance.look()) === "created";
    if (!isStopped || errorKind(error) === "unavailable") throw error;
    const fault = isAdopted ? "" : await readStartFault(server, instance.name);
    throw fault === "" ? error : unknownError(`lxd: start instance ${instance.name}: ${fault}`, error);
  } finally {
    instance.isStarting = false;
  }
  await instance.look();
  if (instance.pid !== 0 || isAdopted) return;
  const run = await readRunLog(server, instance.name).catch(() => undefined);
  if (run !== undefined && instance.pid === 0) await file.update({ pid: run.pid });
}
