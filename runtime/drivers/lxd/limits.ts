// What a task may use, as LXD's settings: OCI resources on the one side, `limits.…` on the other. LXD has words for a few of them.
// @source opencontainers runtime-spec config-linux.md
import * as z from "zod";
import { invalidArgument } from "../../../api/core/errors.js";

const resourcesSchema = z.record(z.string(), z.unknown());
const number = z.number().nullish();
const memorySchema = z.looseObject({ limit: number, swap: number });
const cpuSchema = z.looseObject({ shares: number, quota: number, period: number, cpus: z.string().nullish() });
const pidsSchema = z.looseObject({ limit: number });

/** LinuxResources; what is not known here is kept for its name. */
export const linuxResourcesSchema = z.looseObject({
  memory: memorySchema.nullish(),
  cpu: cpuSchema.nullish(),
  pids: pidsSchema.nullish(),
});

export type LinuxResources = z.infer<typeof linuxResourcesSchema>;

const KNOWN: Readonly<Record<string, readonly string[]>> = {
  memory: ["limit", "swap"],
  cpu: ["shares", "quota", "period", "cpus"],
  pids: ["limit"],
};
/** Clients' default specs have rules for devices; LXD has its own. */
const OF_LXD: ReadonlySet<string> = new Set(["devices"]);
/** Some clients write the largest number of bytes there is for none. */
const UNLIMITED_FROM = 2 ** 62;
const DEFAULT_PERIOD_US = 100_000;
const US_PER_MS = 1_000;
/** Shares of a whole processor. */
const SHARES = 1_024;
const PERCENT = 100;

/**
 * Settings of LXD's; "" takes one away. What is not named stays as it is.
 * @param moment of an instance that is made no limit needs to be taken away.
 * @throws invalid_argument naming all that LXD has no setting for.
 */
export function limitSettings(resources: LinuxResources, moment: "make" | "change"): Record<string, string> {
  const refused = refusals(resources, moment);
  if (refused.length > 0) throw invalidArgument(`an LXD container cannot be given ${refused.join(", ")}`);
  const { memory, cpu, pids } = resources;
  const settings = {
    ...limit("limits.memory", memory?.limit, (bytes) => `${bytes}B`),
    ...(isLimit(memory?.swap) && { "limits.memory.swap": "false" }),
    ...limit("limits.processes", pids?.limit, String),
    ...allowance(cpu),
    // A number alone would be how many.
    ...(cpu?.cpus && { "limits.cpu": /^\d+$/.test(cpu.cpus) ? `${cpu.cpus}-${cpu.cpus}` : cpu.cpus }),
  };
  const given = Object.entries(settings).filter(([, value]) => moment === "change" || value !== "");
  return Object.fromEntries(given);
}

/** A share of the processors when they are wanted by others, or so much of a period and no more. */
function allowance(cpu: LinuxResources["cpu"]): Record<string, string> {
  const name = "limits.cpu.allowance";
  if (isGiven(cpu?.quota)) {
    const toMs = (us: number): number => Math.max(1, Math.round(us / US_PER_MS));
    const period = isGiven(cpu.period) ? cpu.period : DEFAULT_PERIOD_US;
    return limit(name, cpu.quota, (quota) => `${toMs(quota)}ms/${toMs(period)}ms`);
  }
  // What everything has that nobody says anything of.
  if (cpu?.shares === SHARES) return { [name]: "" };
  return limit(name, cpu?.shares, (shares) => `${Math.max(1, Math.round((shares / SHARES) * PERCENT))}%`);
}

function limit(
  name: string,
  value: number | null | undefined,
  write: (value: number) => string,
): Record<string, string> {
  if (!isGiven(value)) return {};
  return { [name]: isLimit(value) ? write(value) : "" };
}

/** 0 says nothing, as it does to runc. */
const isGiven = (value: number | null | undefined): value is number =>
  value !== null && value !== undefined && value !== 0;
const isLimit = (value: number | null | undefined): value is number =>
  isGiven(value) && value > 0 && value < UNLIMITED_FROM;

function refusals(resources: LinuxResources, moment: "make" | "change"): string[] {
  const names: string[] = [];
  for (const [part, value] of Object.entries(resources)) {
    if (isNothing(value) || (moment === "make" && OF_LXD.has(part))) continue;
    const known = Object.hasOwn(KNOWN, part) ? KNOWN[part] : undefined;
    const members = resourcesSchema.safeParse(value);
    if (known === undefined || !members.success) names.push(`resources.${part}`);
    else {
      const others = Object.entries(members.data).filter(
        ([name, member]) => !known.includes(name) && !isNothing(member),
      );
      names.push(...others.map(([name]) => `resources.${part}.${name}`));
    }
  }
  const { memory, cpu } = resources;
  // LXD lets an instance swap or not.
  if (isLimit(memory?.swap) && memory.swap !== memory.limit) names.push("resources.memory.swap");
  // It has one setting for both.
  if (isGiven(cpu?.shares) && isGiven(cpu.quota)) names.push("resources.cpu.shares beside resources.cpu.quota");
  return names;
}

function isNothing(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === "" || value === 0) return true;
  return typeof value === "object" && Object.values(value).every(isNothing);
}
