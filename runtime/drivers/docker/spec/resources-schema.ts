// The limits of an OCI spec that Docker can keep, or that ask for nothing in a client's default spec.
// @source opencontainers runtime-spec config-linux.md
import * as z from "zod";

const number = z.number().nullish();
const device = { major: z.number().int(), minor: z.number().int() };
const rates = z.array(z.object({ ...device, rate: z.number().min(0) })).nullish();

const deviceRuleSchema = z.object({
  allow: z.boolean().default(false),
  /** Absent: `a`, all. */
  type: z.string().nullish(),
  /** Absent: all. */
  major: number,
  minor: number,
  access: z.string().nullish(),
});

export const linuxResourcesSchema = z.object({
  devices: z.array(deviceRuleSchema).nullish(),
  memory: z
    .object({
      limit: number,
      reservation: number,
      swap: number,
      swappiness: number,
      disableOOMKiller: z.boolean().nullish(),
    })
    .nullish(),
  cpu: z
    .object({
      shares: number,
      quota: number,
      period: number,
      realtimeRuntime: number,
      realtimePeriod: number,
      cpus: z.string().nullish(),
      mems: z.string().nullish(),
    })
    .nullish(),
  pids: z.object({ limit: number }).nullish(),
  blockIO: z
    .object({
      weight: number,
      weightDevice: z.array(z.object({ ...device, weight: number })).nullish(),
      throttleReadBpsDevice: rates,
      throttleWriteBpsDevice: rates,
      throttleReadIOPSDevice: rates,
      throttleWriteIOPSDevice: rates,
    })
    .nullish(),
});

export type LinuxResources = z.infer<typeof linuxResourcesSchema>;
export type DeviceRule = z.infer<typeof deviceRuleSchema>;
