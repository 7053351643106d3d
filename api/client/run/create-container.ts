// The container that run() makes: its record, and before it the snapshot of one that has an image.
// @source containerd cmd/ctr/commands/run/run_unix.go
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { NewContainer } from "../../core/container.js";
import type { RequestContext } from "../../core/context.js";
import { invalidArgument, isNotFound } from "../../core/errors.js";
import type { Image } from "../../core/image.js";
import type { Mount } from "../../core/task.js";
import { defaultSnapshotter } from "../default-snapshotter.js";
import type { ImageStores } from "../distribution/stores.js";
import { DOCKER_RUNTIME } from "../docker-options.js";
import { LXD_RUNTIME } from "../lxd-options.js";
import { createSpec } from "../spec/create-spec.js";
import { createProcessSpec } from "../spec/process-spec.js";
import {
  annotationsOf,
  type ContainerIdentity,
  isTerminal,
  limitsOf,
  recordOf,
  specOptions,
} from "./container-parts.js";
import {
  envList,
  type HostRunOptions,
  type ImageRunOptions,
  type RootfsRunOptions,
  type RunOptions,
} from "./options.js";
import type { VersionedDaemon } from "./own-runtime.js";
import { cleanupOf, type RunStores, removeSnapshot } from "./remove.js";

/** What containers with and without images are made from, and how their daemon tells what it is. */
export type ContainerStores = RunStores & ImageStores & VersionedDaemon;

/** A container with what its task is given. */
export interface RunContainer {
  readonly container: NewContainer;
  readonly rootfs: readonly Mount[];
}

/**
 * Makes the container. `patient` is the context of the calls whose answer tells whether something was made.
 * On failure nothing is left. @throws not_found for an image or a user, already_exists, invalid_argument.
 */
export async function createRunContainer(
  stores: ContainerStores,
  contexts: { readonly request: RequestContext; readonly patient: RequestContext },
  identity: ContainerIdentity,
  options: RunOptions,
): Promise<RunContainer> {
  if ("image" in options && options.image !== undefined) {
    if (options.runtime === DOCKER_RUNTIME) {
      const { createOnDocker } = await import("./docker-container.js");
      return { container: await createOnDocker(stores, contexts, identity, options), rootfs: [] };
    }
    if (options.runtime === LXD_RUNTIME) {
      const { createOnLxd } = await import("./lxd-container.js");
      return { container: await createOnLxd(stores, contexts, identity, options), rootfs: [] };
    }
    return await createOnImage(stores, contexts, identity, options);
  }
  const spec =
    "rootfs" in options && options.rootfs !== undefined
      ? await rootfsSpec(identity, options)
      : hostSpec(options as HostRunOptions); // the check of the options left nothing else
  const container = recordOf(identity, options, spec);
  await stores.containers.create(contexts.patient, container);
  return { container, rootfs: [] };
}

async function createOnImage(
  stores: ContainerStores,
  { request, patient }: { readonly request: RequestContext; readonly patient: RequestContext },
  identity: ContainerIdentity,
  options: ImageRunOptions,
): Promise<RunContainer> {
  // Registries and archives are much code, and nothing else here needs it.
  const [
    { imageLabels, imageProcess, prepareImageRoot },
    { hostPlatform, onlyPlatforms, parsePlatform },
    { withLease },
  ] = await Promise.all([
    import("../image-container.js"),
    import("../distribution/platform.js"),
    import("../remote-lease-store.js"),
  ]);
  const { id } = identity;
  const { snapshotter = defaultSnapshotter() } = options;
  const platform = onlyPlatforms([options.platform === undefined ? hostPlatform() : parsePlatform(options.platform)]);
  return await withLease(stores.leases, request, async ({ leaseId }) => {
    const leased = { ...patient, leaseId };
    const image = await imageOf(stores, { ...request, leaseId }, options, snapshotter);
    const root = await prepareImageRoot(stores, leased, image, { key: id, snapshotter, platform });
    try {
      const own = await imageProcess(root, options.user);
      const args = options.args ?? own.args;
      if (args.length === 0) throw invalidArgument(`image ${image.name} names no command, so args must`);
      const base = { rootfs: "rootfs", args, cwd: options.cwd ?? own.cwd, user: own.user, baseEnv: own.env };
      const spec = createSpec(specOptions(identity, options, base));
      const record = recordOf(identity, options, options.editSpec?.(spec) ?? spec);
      const container = {
        ...record,
        labels: { ...imageLabels(image, root.config), ...record.labels },
        image: image.name,
        snapshotter,
        snapshotKey: id,
      };
      await stores.containers.create(leased, container);
      return { container, rootfs: root.mounts };
    } catch (error) {
      await removeSnapshot(stores, cleanupOf(patient), { id, snapshotter, snapshotKey: id }).catch(() => undefined);
      throw error;
    }
  });
}

/** The image, fetched if that is wanted. */
async function imageOf(
  stores: ContainerStores,
  request: RequestContext,
  { image, pull: policy = "never", ...options }: ImageRunOptions,
  snapshotter: string,
): Promise<Image> {
  const { normalizeReference } = await import("../../core/reference.js");
  const get = async (name: string): Promise<Image | undefined> =>
    await stores.images.get(request, name).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
  const isHere = policy === "always" ? undefined : await get(image);
  if (isHere !== undefined) return isHere;
  const name = normalizeReference(image).text;
  if (policy === "never") return await stores.images.get(request, name);
  const normal = policy === "missing" && name !== image ? await get(name) : undefined;
  if (normal !== undefined) return normal;
  const [{ pull }, { createRegistry }, { hostPlatform, onlyPlatforms, parsePlatform }] = await Promise.all([
    import("../distribution/pull.js"),
    import("../distribution/registry/registry.js"),
    import("../distribution/platform.js"),
  ]);
  await using own = options.registry === undefined ? createRegistry() : undefined;
  const platform = onlyPlatforms([options.platform === undefined ? hostPlatform() : parsePlatform(options.platform)]);
  const registry = options.registry ?? own;
  if (registry === undefined) throw invalidArgument("there is no registry to pull from");
  return await pull(stores, request, name, { registry, platform, snapshotter, onProgress: options.onProgress });
}

async function rootfsSpec(identity: ContainerIdentity, options: RootfsRunOptions): Promise<object> {
  const rootfs = resolve(options.rootfs);
  const isFolder = await stat(rootfs).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  if (!isFolder) throw invalidArgument(`root file system "${rootfs}" is not a folder`);
  const { args = ["/bin/sh"], cwd, user } = options;
  const spec = createSpec(specOptions(identity, options, { rootfs, args, cwd, user }));
  return options.editSpec?.(spec) ?? spec;
}

function hostSpec(options: HostRunOptions): object {
  const { args, cwd, user, cgroup } = options;
  const spec = createProcessSpec({
    ...{ args, cwd, user, cgroup },
    env: envList(options.env),
    terminal: isTerminal(options),
    annotations: annotationsOf(options),
    ...limitsOf(options),
  });
  return options.editSpec?.(spec) ?? spec;
}
