// A container whose users have other numbers outside than at its last start: all its files are to change their owners, which takes its
// time and must not be left half-way. So a copy is changed, by being started once, and then takes the container's place.
import {
  changeState,
  createInstance,
  type LxdInstance,
  renameInstance,
  updateInstance,
} from "../../runtime/lxd/instances.js";
import { putBack, removeInstance } from "./instances.js";
import { REPLACED_MARK, recoverName, remapName } from "./names.js";
import type { Tremplin } from "./tremplin.js";

/** LXD takes no longer ones. */
const MAX_NAME = 63;
const CLEANUP_TIMEOUT_MS = 30_000;

/** Whether the numbers have changed. What never ran has none yet. */
export function needsRemap({ config }: Pick<LxdInstance, "config">): boolean {
  if (config["volatile.last_state.power"] === undefined) return false;
  return config["volatile.last_state.idmap"] !== config["volatile.idmap.next"];
}

/**
 * Resolves when the copy is the container; what it was made of goes behind that. A name that leaves no room for the copy's is left to LXD,
 * which changes the files in place. Hold the name.
 */
export async function remap(tremplin: Tremplin, name: string, signal: AbortSignal): Promise<void> {
  const { lxd, names, work } = tremplin;
  const [copy, aside] = [remapName(name), recoverName(name)];
  if (aside.length > MAX_NAME) return;
  await removeInstance(tremplin, copy, signal);
  await names.run(aside, () => removeInstance(tremplin, aside, signal), signal);
  try {
    await createInstance(lxd, { name: copy, source: { type: "copy", of: name } }, { signal });
    await changeState(lxd, copy, "start", { signal });
    await changeState(lxd, copy, "stop", { isForced: true, signal });
    await renameInstance(lxd, name, aside);
    await renameInstance(lxd, copy, name);
  } catch (error) {
    await putBack(tremplin, name);
    await removeInstance(tremplin, copy, AbortSignal.timeout(CLEANUP_TIMEOUT_MS));
    throw error;
  }
  await updateInstance(lxd, aside, { config: { [REPLACED_MARK]: "true" } });
  // LXD takes its time where files of it were read a moment ago.
  work.run(`remove ${aside}`, (ending) => names.run(aside, () => removeInstance(tremplin, aside, ending), ending));
}
