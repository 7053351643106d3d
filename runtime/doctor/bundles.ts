// Bundles against tasks, both ways; and tasks against records.
import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { ContainerStore } from "../../api/core/container.js";
import type { Discovery } from "../../api/core/doctor.js";
import { isNotFound } from "../../api/core/errors.js";
import { isIdentifier } from "../../api/core/identifiers.js";
import { bundleOf, deleteTree, listDir, removeBundle, TASK_PLUGIN } from "../bundle.js";
import { readSavedSocket } from "../drivers/shim/saved-shim.js";
import { listShims, readProcess, type ShimProcess, socketPaths } from "../host-processes.js";
import { type HostView, keyOf, knownKeys, type TaskName } from "./task-view.js";

/** Where runc keeps what it runs. */
const RUNC_STATE = "/run/containerd/runc";

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

async function hasRecord(containers: Pick<ContainerStore, "get">, { namespace, id }: TaskName): Promise<boolean> {
  try {
    await containers.get({ namespace }, id);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

export async function* examineTasks(view: HostView): AsyncGenerator<Discovery> {
  for (const task of view.tasks.known()) {
    const { namespace, id, bundle } = task;
    const found = { namespace, subject: id, isProblem: true };
    if (!(await hasRecord(view.containers, task))) {
      yield {
        ...found,
        kind: "task-without-record",
        detail: "its container was deleted; it runs on and cannot be addressed",
      };
    }
    if (bundle !== "" && !(await exists(bundle))) {
      yield { ...found, kind: "task-without-bundle", detail: `${bundle} is gone` };
    }
  }
}

/** The shims that have its name, or its socket under the name that they were started with ahead of it. */
async function shimsOf(view: HostView, name: TaskName, bundlePath: string): Promise<ShimProcess[]> {
  const socket = await readSavedSocket(bundlePath);
  const found: ShimProcess[] = [];
  for (const shim of await listShims(view.address)) {
    const isOurs = keyOf(shim) === keyOf(name) || (await socketPaths(shim.pid)).some((path) => path === socket);
    if (isOurs) found.push(shim);
  }
  return found;
}

/** Why a bundle without a task must be left alone; undefined when nothing speaks against removing it. */
async function stillUsed(view: HostView, name: TaskName): Promise<string | undefined> {
  const bundlePath = bundleOf(view, name.namespace, name.id).path;
  const shims = await shimsOf(view, name, bundlePath);
  if (shims.length > 0) return `its shim lives, process ${shims.map(({ pid }) => pid).join(", ")}`;
  const init = Number.parseInt(await readFile(join(bundlePath, "init.pid"), "utf8").catch(() => ""), 10);
  if (init > 0 && (await readProcess(init)) !== undefined) return `process ${init}, once its container's, lives`;
  const state = join(RUNC_STATE, name.namespace, name.id);
  return (await exists(state)) ? `runc knows a container of that name, ${state}` : undefined;
}

export async function* examineBundles(view: HostView): AsyncGenerator<Discovery> {
  const known = knownKeys(view);
  const namespaces = new Set<string>();
  for (const baseDir of [view.stateDir, view.rootDir]) {
    for (const name of await listDir(join(baseDir, TASK_PLUGIN))) if (isIdentifier(name)) namespaces.add(name);
  }
  for (const namespace of namespaces) {
    for (const id of await listDir(join(view.stateDir, TASK_PLUGIN, namespace))) {
      if (!isIdentifier(id) || known.has(keyOf({ namespace, id }))) continue;
      const discovery = await view.tasks.whileAbsent({ namespace, id }, () =>
        bundleWithoutTask(view, { namespace, id }),
      );
      if (discovery !== undefined) yield discovery;
    }
    yield* examineRemains(view, namespace);
  }
}

async function bundleWithoutTask(view: HostView, name: TaskName): Promise<Discovery | undefined> {
  const bundle = bundleOf(view, name.namespace, name.id);
  if (!(await exists(bundle.path))) return undefined;
  const use = await stillUsed(view, name);
  const remove = async (): Promise<boolean> => {
    if ((await stillUsed(view, name)) !== undefined) return false;
    await removeBundle(bundle);
    return true;
  };
  return {
    kind: "bundle-without-task",
    namespace: name.namespace,
    subject: bundle.path,
    detail: use ?? "no shim and no container belong to it",
    isProblem: true,
    repair: use === undefined ? async () => (await view.tasks.whileAbsent(name, remove)) === true : undefined,
  };
}

/** Removals rename a folder away and then delete it; what is there for longer has been forgotten. */
const REMOVAL_MS = 1_000;

/** Work folders without a bundle, and what a removal that was cut off has left under a hidden name. */
async function* examineRemains(view: HostView, namespace: string): AsyncGenerator<Discovery> {
  const stateDir = join(view.stateDir, TASK_PLUGIN, namespace);
  const workDir = join(view.rootDir, TASK_PLUGIN, namespace);
  const leftover = (subject: string, repair: () => Promise<boolean>): Discovery => ({
    kind: "leftover-folder",
    namespace,
    subject,
    detail: "its removal did not come to its end",
    isProblem: true,
    repair,
  });
  const hidden = async (): Promise<string[]> => {
    const names = (folder: string) => listDir(folder).then((all) => all.filter((name) => name.startsWith(".")));
    const [bundles, works] = await Promise.all([names(stateDir), names(workDir)]);
    return [...bundles.map((name) => join(stateDir, name)), ...works.map((name) => join(workDir, name))];
  };
  const before = await hidden();
  if (before.length > 0) {
    await delay(REMOVAL_MS);
    for (const path of await hidden()) {
      if (before.includes(path)) yield leftover(path, () => deleteTree(path).then(() => true));
    }
  }
  for (const id of await listDir(workDir)) {
    if (!isIdentifier(id)) continue;
    const { path, workPath } = bundleOf(view, namespace, id);
    const isLeft = async () => !(await exists(path)) && (await exists(workPath));
    if ((await view.tasks.whileAbsent({ namespace, id }, isLeft)) !== true) continue;
    const remove = async (): Promise<boolean> => {
      if (!(await isLeft())) return false;
      await rm(workPath, { recursive: true, force: true });
      return true;
    };
    yield leftover(workPath, async () => (await view.tasks.whileAbsent({ namespace, id }, remove)) === true);
  }
}
