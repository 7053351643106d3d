// New limits of an instance that is there. LXD applies them at once where it runs.
import { updateInstance } from "../../lxd/instances.js";
import type { LxdServer } from "../../lxd/server.js";
import { limitSettings, linuxResourcesSchema } from "./limits.js";
import { parseJson } from "./spec.js";

/** @param resources OCI LinuxResources as JSON. @throws invalid_argument, naming all that LXD has no setting for. */
export async function updateLimits(
  server: LxdServer,
  instance: string,
  resources: Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  const config = limitSettings(parseJson(linuxResourcesSchema, resources, "resources"), "change");
  if (Object.keys(config).length > 0) await updateInstance(server, instance, { config }, { signal });
}
