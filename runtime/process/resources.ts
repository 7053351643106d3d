// The limits of an OCI spec that a control group can keep.
import * as z from "zod";

const number = z.number().nullish();

/** @source opencontainers runtime-spec config-linux.md; members that are not named here stay as they are. */
export const linuxResourcesSchema = z.looseObject({
  memory: z.looseObject({ limit: number, reservation: number, swap: number }).nullish(),
  cpu: z
    .looseObject({
      shares: number,
      quota: number,
      period: number,
      cpus: z.string().nullish(),
      mems: z.string().nullish(),
    })
    .nullish(),
  pids: z.looseObject({ limit: number }).nullish(),
});

export type LinuxResources = z.infer<typeof linuxResourcesSchema>;
