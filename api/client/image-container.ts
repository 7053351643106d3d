// What a container takes from its image: a snapshot of its own on the image's layers, the process that the config describes, labels.
// @source containerd container_opts.go (WithNewSnapshot, WithImageConfigLabels, WithImageStopSignal), oci/spec_opts.go (WithImageConfigArgs)
import type { RequestContext } from "../core/context.js";
import { isNotFound } from "../core/errors.js";
import type { Image } from "../core/image.js";
import type { Labels } from "../core/labels.js";
import type { SnapshotStore } from "../core/snapshot.js";
import type { Mount } from "../core/task.js";
import { type ImageConfig, resolveManifest } from "./distribution/manifest.js";
import type { PlatformMatcher } from "./distribution/platform.js";
import type { ImageStores } from "./distribution/stores.js";
import { chainIds, unpack } from "./distribution/unpack.js";
import { readMounted } from "./read-mounted.js";
import type { IdShift } from "./shifted-root.js";
import { DEFAULT_PATH } from "./spec/default-spec.js";
import type { User } from "./spec/oci.js";
import { lookUpImageUser } from "./spec/user.js";

const STOP_SIGNAL_LABEL = "io.containerd.image.config.stop-signal";
const DEFAULT_STOP_SIGNAL = "SIGTERM";
/** What a store takes of a label, key and value together. */
const MAX_LABEL_BYTES = 4096;

export interface ImageRootOptions {
  /** Key of the snapshot, as a rule the container's id. */
  readonly key: string;
  readonly snapshotter: string;
  readonly platform: PlatformMatcher;
  /** Of the snapshot. */
  readonly labels?: Labels;
  /** What is added to the owners of all files. Default: nothing. */
  readonly shift?: IdShift | undefined;
}

export interface ImageRoot {
  readonly config: ImageConfig;
  readonly mounts: readonly Mount[];
}

/**
 * Prepares a writable snapshot on an image's layers, which are unpacked first if they are not. Call it under a lease: until a container
 * names the snapshot nothing else holds it.
 * @throws not_found for content that is missing, already_exists for a snapshot of that key.
 */
export async function prepareImageRoot(
  stores: ImageStores,
  ctx: RequestContext,
  image: Image,
  options: ImageRootOptions,
): Promise<ImageRoot> {
  const { key, snapshotter, platform, labels = {}, shift } = options;
  const { manifest, config } = await resolveManifest(stores.content, ctx, image.target, platform);
  const snapshots = stores.snapshots.get(snapshotter);
  const top = chainIds(config.rootfs.diff_ids).at(-1) ?? "";
  const prepare = async (): Promise<readonly Mount[]> => {
    const parent = shift === undefined || top === "" ? top : await shifted(snapshots, ctx, top, shift);
    return await snapshots.prepare(ctx, key, { parent, labels });
  };
  try {
    return { config, mounts: await prepare() };
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  await unpack(stores, ctx, manifest, { snapshotter });
  return { config, mounts: await prepare() };
}

/** Loaded when there is something to move. */
async function shifted(snapshots: SnapshotStore, ctx: RequestContext, parent: string, by: IdShift): Promise<string> {
  const { shiftedParent } = await import("./shifted-root.js");
  return await shiftedParent(snapshots, ctx, parent, by);
}

/** The part of a spec that an image decides. */
export interface ImageProcess {
  /** Entrypoint and command; empty when the image names none. */
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: User;
}

/**
 * The process that an image's config describes, its user looked up in the mounts.
 * @param user stands for the config's.
 * @throws not_found for a user that is not there.
 */
export async function imageProcess({ config, mounts }: ImageRoot, user?: string): Promise<ImageProcess> {
  const { Entrypoint, Cmd, Env, WorkingDir, User: own } = config.config ?? {};
  return {
    args: [...(Entrypoint ?? []), ...(Cmd ?? [])],
    env: Env == null || Env.length === 0 ? [DEFAULT_PATH] : Env,
    cwd: WorkingDir || "/",
    user: await readMounted(mounts, (root) => lookUpImageUser(root, user ?? own ?? "")),
  };
}

/** The labels that a container has of its image: of its config and of its record. Those that no store would take are left out. */
export function imageLabels({ labels }: Pick<Image, "labels">, { config }: ImageConfig): Labels {
  const own = [...Object.entries(config?.Labels ?? {}), ...Object.entries(labels)].filter(
    ([key, value]) => key !== "" && Buffer.byteLength(key) + Buffer.byteLength(value) <= MAX_LABEL_BYTES,
  );
  return { ...Object.fromEntries(own), [STOP_SIGNAL_LABEL]: config?.StopSignal || DEFAULT_STOP_SIGNAL };
}
