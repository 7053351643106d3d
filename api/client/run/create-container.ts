// The container that run() makes: its record, and before it the snapshot of one that has an image.
// @source containerd cmd/ctr/commands/run/run_unix.go
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { NewContainer } from "../../core/container.js";
import type { RequestContext } from "../../core/context.js";
import { invalidArgument, isNotFound } from "../../core/errors.js";
import type { Image } from "../../core/image.js";
import type { Mount } from "../../core/task.js";
import { LIFETIME_ANNOTATION } from "../../core/task-lifetime.js";
import { anyOfJson, SPEC_TYPE } from "../../core/typeurl.js";
import { defaultSnapshotter } from "../default-snapshotter.js";
import type { ImageStores } from "../distribution/stores.js";
import { createSpec, type SpecOptions } from "../spec/create-spec.js";
import { createProcessSpec } from "../spec/process-spec.js";
import {
  envList,
  type HostRunOptions,
  type ImageRunOptions,
  type RootfsRunOptions,
  type RunOptions,
} from "./options.js";
import { cleanupOf, type RunStores, removeSnapshot } from "./remove.js";

export const PROCESS_RUNTIME = "io.berth.process.v1";
export const CONTAINER_RUNTIME = "io.containerd.runc.v2";
/** Marks containers that exist for their one task, and go with it. */
export const RUN_LABEL = "berth.io/run";
const CPU_PERIOD_US = 100_000;

/** What containers with and without images are made from. */
export type ContainerStores = RunStores & ImageStores;

/** A container with what its task is given. */
export interface RunContainer {
  readonly container: NewContainer;
  readonly rootfs: readonly Mount[];
}

/** Who a container will be. */
export interface ContainerIdentity {
  readonly namespace: string;
  readonly id: string;
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

function specOptions(
  identity: ContainerIdentity,
  options: ImageRunOptions | RootfsRunOptions,
  own: Pick<SpecOptions, "rootfs" | "args" | "cwd" | "user" | "baseEnv">,
): SpecOptions {
  const { hostname, readOnly, mounts, capAdd, capDrop, privileged, allowNewPrivileges, netHost, joinNamespaces } =
    options;
  const { devices, cgroup } = options;
  return {
    ...identity,
    ...own,
    env: envList(options.env),
    terminal: isTerminal(options),
    annotations: annotationsOf(options),
    ...{ hostname, readOnly, mounts, capAdd, capDrop, privileged, allowNewPrivileges, netHost, joinNamespaces },
    ...{ devices, cgroup },
    ...limitsOf(options),
  };
}

function limitsOf({
  limits = {},
}: RunOptions): Pick<SpecOptions, "memoryLimitBytes" | "cpuQuotaUs" | "cpuPeriodUs" | "pidsLimit"> {
  const { memoryBytes, cpus, pids } = limits;
  return {
    memoryLimitBytes: memoryBytes,
    ...(cpus !== undefined && { cpuQuotaUs: Math.round(cpus * CPU_PERIOD_US), cpuPeriodUs: CPU_PERIOD_US }),
    pidsLimit: pids,
  };
}

export const isTerminal = ({ terminal }: Pick<RunOptions, "terminal">): boolean =>
  terminal !== undefined && terminal !== false;

function annotationsOf({ annotations = {}, lifetime }: RunOptions): Readonly<Record<string, string>> {
  return { ...annotations, ...(lifetime !== undefined && { [LIFETIME_ANNOTATION]: lifetime }) };
}

function recordOf({ id }: ContainerIdentity, options: RunOptions, spec: object): NewContainer {
  const isHost = "process" in options && options.process === true;
  return {
    id,
    labels: { ...options.labels, [RUN_LABEL]: "true" },
    runtime: {
      name: options.runtime ?? (isHost ? PROCESS_RUNTIME : CONTAINER_RUNTIME),
      ...(options.runtimeOptions !== undefined && { options: options.runtimeOptions }),
    },
    spec: anyOfJson(SPEC_TYPE, spec),
  };
}
