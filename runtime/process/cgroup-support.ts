// Which limits can be kept: of those that a spec may name, the ones that are a number for a controller which this host lets us use.
import type { LinuxResources } from "./resources.js";

/** What a new group of ours would have. */
export interface CgroupSupport {
  /** undefined where no group can be made. */
  readonly version: 1 | 2 | undefined;
  readonly controllers: ReadonlySet<string>;
}

export const NO_CGROUPS: CgroupSupport = { version: undefined, controllers: new Set() };

/** By member of `linux.resources`, the controller that keeps it. */
const CONTROLLERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  memory: { limit: "memory", reservation: "memory", swap: "memory" },
  cpu: { shares: "cpu", quota: "cpu", period: "cpu", cpus: "cpuset", mems: "cpuset" },
  pids: { limit: "pids" },
};

/**
 * The members of `linux.resources` that would not be kept, by their full names (`linux.resources.memory.limit`). Empty ones (absent,
 * null, 0, false, "", empty lists and objects) ask for nothing. An empty answer: everything that is asked for can be had.
 */
export function limitsNotKept(resources: LinuxResources | null | undefined, support: CgroupSupport): string[] {
  const missing: string[] = [];
  for (const [name, value] of Object.entries(resources ?? {})) {
    if (isEmpty(value)) continue;
    const controllers = Object.hasOwn(CONTROLLERS, name) ? CONTROLLERS[name] : undefined;
    if (controllers === undefined || typeof value !== "object" || value === null) {
      missing.push(`linux.resources.${name}`);
      continue;
    }
    for (const [member, wanted] of Object.entries(value)) {
      const controller = Object.hasOwn(controllers, member) ? controllers[member] : undefined;
      const isKept = controller !== undefined && support.controllers.has(controller);
      if (!isKept && !isEmpty(wanted)) missing.push(`linux.resources.${name}.${member}`);
    }
  }
  return missing;
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === 0 || value === false || value === "") return true;
  return typeof value === "object" && Object.values(value).every(isEmpty);
}
