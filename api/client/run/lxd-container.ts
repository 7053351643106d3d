// The container of a task on LXD: a record that names an image of LXD's, and a spec of its limits and its environment.
import type { NewContainer } from "../../core/container.js";
import type { RequestContext } from "../../core/context.js";
import { LXD_RUNTIME, lxdOptions } from "../lxd-options.js";
import { createDockerSpec } from "../spec/docker-spec.js";
import { type ContainerIdentity, recordOf, specOptions } from "./container-parts.js";
import type { ImageRunOptions } from "./options.js";
import { requireOwnRuntime, type VersionedDaemon } from "./own-runtime.js";
import type { RunStores } from "./remove.js";

/** @throws failed_precondition where the daemon has no such runtime, already_exists, invalid_argument. */
export async function createOnLxd(
  stores: Pick<RunStores, "containers"> & VersionedDaemon,
  { request, patient }: { readonly request: RequestContext; readonly patient: RequestContext },
  identity: ContainerIdentity,
  options: ImageRunOptions,
): Promise<NewContainer> {
  await requireOwnRuntime(stores, request, LXD_RUNTIME);
  const { args = [], image, lxd } = options;
  const made = createDockerSpec(specOptions(identity, options, { rootfs: "rootfs", args }));
  const runtimeOptions = lxdOptions({ ...(args.length > 0 && { init: args }), ...lxd });
  const spec = options.editSpec?.(made) ?? made;
  const container = { ...recordOf(identity, { ...options, runtime: LXD_RUNTIME, runtimeOptions }, spec), image };
  await stores.containers.create(patient, container);
  return container;
}
