// Containers as callers mean them, with task and record: looking one up, ending it, taking it away.
import { removeProcess } from "../../api/client/run/remove.js";
import type { LxdInstance } from "../../runtime/lxd/instances.js";
import { dropRecord } from "./container-record.js";
import { removeToken } from "./devices.js";
import { lxdNotRunning } from "./failure.js";
import { findInstance, putBack, removeInstance, stopInstance } from "./instances.js";
import { isContainerName, recoverName } from "./names.js";
import type { Tremplin } from "./tremplin.js";

/** How long LXD may take to come back from a crash. Callers wait for a minute. */
const LXD_TIMEOUT_MS = 30_000;

/**
 * The instance of a container's name; one whose place was about to be taken by its copy, when that was cut short, is put back first.
 * @throws failed_precondition before StartLxd; cancelled when LXD has died and does not come back.
 */
export async function lookUp(tremplin: Tremplin, name: string): Promise<LxdInstance | undefined> {
  if (!tremplin.engine.isStarted()) throw lxdNotRunning();
  // One that has just been started again answers before it has its networks.
  await tremplin.engine.whenUp(AbortSignal.any([tremplin.ending, AbortSignal.timeout(LXD_TIMEOUT_MS)]));
  if (!isContainerName(name)) return undefined;
  const found = await findInstance(tremplin, name);
  if (found !== undefined || (await findInstance(tremplin, recoverName(name))) === undefined) return found;
  // Or the copy is about to take its place, at this very moment.
  return await tremplin.names.run(name, async () => {
    await putBack(tremplin, name);
    return await findInstance(tremplin, name);
  });
}

/** Kills it and removes its task, whoever started it. Hold the name. */
export async function stopByForce(tremplin: Tremplin, name: string, signal: AbortSignal): Promise<void> {
  await removeProcess(tremplin.client, { signal }, name, "");
  await stopInstance(tremplin, name, signal);
}

/** Removes it, whatever state it is in, with its task and its record; what it had of the machine is free. What is gone already does not matter. Hold the name. */
export async function removeContainer(tremplin: Tremplin, name: string, signal: AbortSignal): Promise<void> {
  await stopByForce(tremplin, name, signal);
  await removeInstance(tremplin, name, signal);
  await dropRecord(tremplin, name, signal);
  await removeToken(tremplin, name);
  tremplin.usb.freeAllOf(name);
}
