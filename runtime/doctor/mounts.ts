// Mounts below the daemon's own folders that no task uses.
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import type { Discovery } from "../../api/core/doctor.js";
import { isIdentifier } from "../../api/core/identifiers.js";
import { TASK_PLUGIN } from "../bundle.js";
import { listMountPoints, unmount } from "../sys/mount.js";
import { type HostView, keyOf, knownKeys, type TaskName } from "./task-view.js";

/** Whose bundle a path below the folder of bundles lies in. */
function ownerOf(path: string, bundles: string): TaskName | undefined {
  const [namespace = "", id = ""] = path.slice(bundles.length + 1).split("/");
  return isIdentifier(namespace) && isIdentifier(id) ? { namespace, id } : undefined;
}

export async function* examineMounts(view: HostView): AsyncGenerator<Discovery> {
  const known = knownKeys(view);
  for (const baseDir of [view.stateDir, view.rootDir]) {
    const bundles = join(await realpath(baseDir), TASK_PLUGIN);
    // The innermost first: an outer one may be busy because of it.
    const targets = listMountPoints().filter((target) => target.startsWith(`${bundles}/`));
    for (const target of targets.reverse()) {
      const owner = ownerOf(target, bundles);
      if (owner !== undefined && known.has(keyOf(owner))) continue;
      const detach = async (): Promise<boolean> => unmount(target, { detach: true });
      yield {
        kind: "mount-without-task",
        namespace: owner?.namespace ?? "",
        subject: target,
        detail: "mounted below the daemon's folder of bundles",
        isProblem: true,
        repair: async () => (owner === undefined ? detach() : (await view.tasks.whileAbsent(owner, detach)) === true),
      };
    }
  }
}
