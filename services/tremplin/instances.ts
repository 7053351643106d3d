// Instances of LXD as the service sees them: whether one is there and runs, and its end. Who changes one holds its name.
import { isNotFound } from "../../api/core/errors.js";
import {
  changeState,
  deleteInstance,
  getInstance,
  type LxdInstance,
  renameInstance,
} from "../../runtime/lxd/instances.js";
import { REPLACED_MARK, recoverName } from "./names.js";
import type { Tremplin } from "./tremplin.js";

type WithLxd = Pick<Tremplin, "lxd">;

/** Whether its processes are there, be it frozen. */
export const isActive = ({ status }: Pick<LxdInstance, "status">): boolean =>
  status !== "Stopped" && status !== "Error";

/** Undefined without one. */
export async function findInstance({ lxd }: WithLxd, name: string): Promise<LxdInstance | undefined> {
  try {
    return await getInstance(lxd, name);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return undefined;
  }
}

/** Kills its processes; nothing happens where none run. */
export async function stopInstance(tremplin: WithLxd, name: string, signal: AbortSignal): Promise<void> {
  const instance = await findInstance(tremplin, name);
  if (instance === undefined || !isActive(instance)) return;
  try {
    await changeState(tremplin.lxd, name, "stop", { isForced: true, signal });
  } catch (error) {
    // It may have ended by itself in the meantime.
    const now = await findInstance(tremplin, name);
    if (now !== undefined && isActive(now)) throw error;
  }
}

/** Removes the instance alone, in whatever state it is. One that is gone already does not matter. */
export async function removeInstance(tremplin: WithLxd, name: string, signal: AbortSignal): Promise<void> {
  await stopInstance(tremplin, name, signal);
  await deleteInstance(tremplin.lxd, name, { signal }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
}

/**
 * Gives a container the name back that it had before its copy was to take it. Nothing happens where the name is taken, or once the copy
 * has had it.
 */
export async function putBack(tremplin: WithLxd, name: string): Promise<void> {
  const aside = recoverName(name);
  if ((await findInstance(tremplin, name)) !== undefined) return;
  const old = await findInstance(tremplin, aside);
  if (old === undefined || isReplaced(old)) return;
  await renameInstance(tremplin.lxd, aside, name);
}

/** Whether it is what a container was before its remap, and nothing but in the way. */
export const isReplaced = ({ config }: Pick<LxdInstance, "config">): boolean => config[REPLACED_MARK] === "true";
