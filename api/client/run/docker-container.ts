// The container of a task on Docker: a record that names an image, which the daemon sees to, and a spec of what differs from it.
import type { NewContainer } from "../../core/container.js";
import type { RequestContext } from "../../core/context.js";
import { DOCKER_RUNTIME, dockerOptions } from "../docker-options.js";
import { createDockerSpec, leaveUser } from "../spec/docker-spec.js";
import { type ContainerIdentity, recordOf, specOptions } from "./container-parts.js";
import type { ImageRunOptions } from "./options.js";
import { requireOwnRuntime, type VersionedDaemon } from "./own-runtime.js";
import type { RunStores } from "./remove.js";

/** @throws failed_precondition where the daemon has no such runtime, already_exists, invalid_argument. */
export async function createOnDocker(
  stores: Pick<RunStores, "containers"> & VersionedDaemon,
  { request, patient }: { readonly request: RequestContext; readonly patient: RequestContext },
  identity: ContainerIdentity,
  options: ImageRunOptions,
): Promise<NewContainer> {
  await requireOwnRuntime(stores, request, DOCKER_RUNTIME);
  const { user, cwd, args = [], image, pull, docker } = options;
  const { netHost, ...own } = specOptions(identity, options, { rootfs: "rootfs", args, cwd });
  const made = createDockerSpec(own);
  const spec = leaveUser(options.editSpec?.(made) ?? made);
  const runtimeOptions = dockerOptions({
    ...(netHost === true && { network: "host" }),
    ...(user !== undefined && { user }),
    ...(pull !== undefined && { pull }),
    imageDefaults: true,
    replaceEntrypoint: true,
    ...docker,
  });
  const container = { ...recordOf(identity, { ...options, runtime: DOCKER_RUNTIME, runtimeOptions }, spec), image };
  await stores.containers.create(patient, container);
  return container;
}
