// The bundle: a folder per task with config.json and rootfs, which the runtime works in, and a persistent work folder
// beside it. Its name exists exactly as long as the task: removal renames it away first, then deletes at leisure.
// @source containerd runtime/v2/bundle.go
import { randomBytes } from "node:crypto";
import { chmod, chown, mkdir, readdir, rename, rm, rmdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { unknownError } from "../api/core/errors.js";
import { validateIdentifier } from "../api/core/identifiers.js";
import { unmount } from "./sys/mount.js";

/** The folder name that containerd uses under its root and its state folder. */
export const TASK_PLUGIN = "io.containerd.runtime.v2.task";

export interface BundleRoots {
  /** Persistent folder of the daemon, absolute. */
  readonly rootDir: string;
  /** Volatile folder of the daemon, absolute. */
  readonly stateDir: string;
}

export interface Bundle {
  readonly namespace: string;
  readonly id: string;
  /** `<state>/io.containerd.runtime.v2.task/<namespace>/<id>`. */
  readonly path: string;
  /** `<root>/io.containerd.runtime.v2.task/<namespace>/<id>`, the target of `<path>/work`. */
  readonly workPath: string;
}

/** Where the bundle of a task is, or would be. @throws invalid_argument for what is no identifier: it becomes a path. */
export function bundleOf(roots: BundleRoots, namespace: string, id: string): Bundle {
  validateIdentifier(namespace);
  validateIdentifier(id);
  return {
    namespace,
    id,
    path: join(roots.stateDir, TASK_PLUGIN, namespace, id),
    workPath: join(roots.rootDir, TASK_PLUGIN, namespace, id),
  };
}

const hasCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && "code" in error && typeof error.code === "string" && codes.includes(error.code);

const mappingsSchema = z.object({
  linux: z
    .object({ gidMappings: z.array(z.object({ containerID: z.number(), hostID: z.number() })).nullish() })
    .nullish(),
});

/** The host's gid of the container's root group; 0 without a mapping. */
function rootGroup(spec: Uint8Array): number {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(spec).toString());
  } catch {
    // The parser's words quote the spec, which may hold secrets: they go neither to the log nor into a cause.
    throw unknownError("spec is not JSON");
  }
  const parsed = mappingsSchema.safeParse(json);
  if (!parsed.success) return 0;
  return parsed.data.linux?.gidMappings?.find((mapping) => mapping.containerID === 0)?.hostID ?? 0;
}

async function makeDir(path: string, mode: number): Promise<void> {
  await mkdir(path, { mode });
  await chmod(path, mode);
}

async function ensureDir(path: string, mode: number): Promise<void> {
  try {
    await makeDir(path, mode);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  }
}

async function ensureParents(baseDir: string, namespace: string): Promise<void> {
  await mkdir(baseDir, { recursive: true });
  await ensureDir(join(baseDir, TASK_PLUGIN), 0o711);
  await ensureDir(join(baseDir, TASK_PLUGIN, namespace), 0o711);
}

/** Takes the bundle's name, if nobody has it. */
async function reserve(roots: BundleRoots, bundle: Bundle): Promise<void> {
  try {
    await makeDir(bundle.path, 0o700);
  } catch (error) {
    if (hasCode(error, "EEXIST")) throw unknownError(`mkdir ${bundle.path}: file exists`, error);
    if (!hasCode(error, "ENOENT")) throw error;
    await ensureParents(roots.stateDir, bundle.namespace);
    await reserve(roots, bundle);
  }
}

/** The persistent folder: empty, whatever was there. */
async function makeWork(roots: BundleRoots, { namespace, workPath }: Bundle): Promise<void> {
  try {
    await makeDir(workPath, 0o711);
  } catch (error) {
    if (hasCode(error, "ENOENT")) await ensureParents(roots.rootDir, namespace);
    else if (hasCode(error, "EEXIST")) await rm(workPath, { recursive: true, force: true });
    else throw error;
    await makeDir(workPath, 0o711);
  }
}

/**
 * Makes the bundle's folders and its config.json, or nothing.
 * @param prepared an absolute path in the state folder: a folder that becomes the bundle, with all that is in it. It is still
 * there after a failure unless the bundle had its place already.
 * @throws kind unknown with `mkdir <bundle>: file exists` when a bundle of this name is there.
 */
export async function createBundle(
  roots: BundleRoots,
  namespace: string,
  id: string,
  spec: Uint8Array,
  prepared?: string,
): Promise<Bundle> {
  const bundle = bundleOf(roots, namespace, id);
  const gid = rootGroup(spec);
  await reserve(roots, bundle);
  try {
    // Takes the place of the empty folder in one step.
    if (prepared !== undefined) await rename(prepared, bundle.path);
    // A user makes no containers that would need it, and could not.
    if (gid !== 0 && process.geteuid?.() === 0) {
      await chown(bundle.path, -1, gid);
      await chmod(bundle.path, 0o710);
    }
    // All of them come to an end before anything is removed again.
    const made = await Promise.allSettled([
      makeDir(join(bundle.path, "rootfs"), 0o711),
      makeWork(roots, bundle),
      symlink(bundle.workPath, join(bundle.path, "work")),
      writeFile(join(bundle.path, "config.json"), spec),
    ]);
    for (const result of made) if (result.status === "rejected") throw result.reason;
  } catch (error) {
    await removeBundle(bundle);
    throw error;
  }
  return bundle;
}

/** Deletes a bundle's folder that holds no mount any more; refuses to go through one that does, since what is mounted is not ours. */
export async function deleteTree(path: string): Promise<void> {
  const rootfs = join(path, "rootfs");
  while (unmount(rootfs, { detach: true }));
  try {
    // Not recursive: were anything still mounted on it, or in it, this fails and nothing of it is lost.
    await rmdir(rootfs);
  } catch (error) {
    if (!hasCode(error, "ENOENT", "ENOTDIR")) throw error;
  }
  await rm(path, { recursive: true, force: true });
}

/** Takes the folder's name away at once; undefined when there is no such folder. */
async function hide(parent: string, name: string): Promise<string | undefined> {
  const hidden = join(parent, `.${name}-${randomBytes(4).toString("hex")}`);
  try {
    await rename(join(parent, name), hidden);
    return hidden;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/**
 * Unmounts the rootfs and takes the names of bundle and work folder away: when this returns, a bundle of the same name can be
 * made again. Safe to call for what is not there.
 * @returns deletes the files themselves; to be run before the daemon ends.
 */
export async function detachBundle(bundle: Bundle): Promise<() => Promise<void>> {
  while (unmount(join(bundle.path, "rootfs"), { detach: true }));
  const [hiddenBundle, hiddenWork] = await Promise.all([
    hide(join(bundle.path, ".."), bundle.id),
    hide(join(bundle.workPath, ".."), bundle.id),
  ]);
  return async () => {
    if (hiddenBundle !== undefined) await deleteTree(hiddenBundle);
    if (hiddenWork !== undefined) await rm(hiddenWork, { recursive: true, force: true });
  };
}

/** Removes bundle and work folder, whatever is mounted on the rootfs included. */
export async function removeBundle(bundle: Bundle): Promise<void> {
  const deleteFiles = await detachBundle(bundle);
  await deleteFiles();
}

/** The names in a folder; none when there is no such folder. */
export async function listDir(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}

/** Removes the work folders of a namespace that have no bundle, and what a removal that was cut off left hidden. */
export async function removeLeftovers(roots: BundleRoots, namespace: string): Promise<void> {
  const state = join(roots.stateDir, TASK_PLUGIN, namespace);
  const bundles = await listDir(state);
  for (const name of bundles) if (name.startsWith(".")) await deleteTree(join(state, name));
  const work = join(roots.rootDir, TASK_PLUGIN, namespace);
  for (const name of await listDir(work)) {
    if (name.startsWith(".") || !bundles.includes(name)) await rm(join(work, name), { recursive: true, force: true });
  }
}
