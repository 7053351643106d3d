// The control group of a new task, of the version that the host has.
import { failedPrecondition, notImplemented } from "../../api/core/errors.js";
import { type CgroupHost, readCgroupHost } from "./cgroup-host.js";
import { type CgroupSupport, limitsNotKept } from "./cgroup-support.js";
import { makeV1Group, probeV1 } from "./cgroup-v1.js";
import { makeV2Group, probeV2 } from "./cgroup-v2.js";
import type { LinuxResources } from "./resources.js";
import type { TaskCgroup } from "./task-cgroup.js";

export interface CgroupOptions {
  /** Absolute: from the top of the hierarchies for root, from our own group for everybody else. Relative: from our own group. */
  readonly path: string;
  readonly resources?: LinuxResources | undefined;
  /** Default: as the kernel tells. */
  readonly host?: CgroupHost | undefined;
}

/** What a group at this path would have, without making it: for {@link limitsNotKept}. @throws invalid_argument for a bad path. */
export async function probeCgroups({ path, host }: CgroupOptions): Promise<CgroupSupport> {
  const { v1, unified } = host ?? (await readCgroupHost());
  const support = await probeV1({ v1, unified }, path);
  // Beside version 1, the hierarchy of version 2 has no controllers worth having.
  if (support.version !== undefined || unified === undefined) return support;
  return await probeV2(unified, path);
}

/**
 * Makes the group and sets its limits. undefined where we may make none.
 * @throws not_implemented, by name, for limits that cannot be kept; failed_precondition when somebody uses the group;
 * invalid_argument for a bad path or a limit that the kernel refuses. No group is left then.
 */
export async function openTaskCgroup(options: CgroupOptions): Promise<TaskCgroup | undefined> {
  const host = options.host ?? (await readCgroupHost());
  const support = await probeCgroups({ ...options, host });
  const missing = limitsNotKept(options.resources, support);
  if (missing.length > 0) throw notImplemented(missing.join(", "));
  if (support.version === undefined) return undefined;
  const group =
    support.version === 2 && host.unified !== undefined
      ? await makeV2Group(host.unified, options.path)
      : await makeV1Group(host, options.path, support.controllers);
  if ((await group.pids()).length > 0) throw failedPrecondition(`cgroup ${options.path} is in use`);
  try {
    await group.thaw();
    if (options.resources !== undefined) await group.update(options.resources);
    return group;
  } catch (error) {
    await group.remove();
    throw error;
  }
}
