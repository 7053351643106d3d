// What LXD can do for instances that lie in a storage pool and that its database knows nothing of, as `lxd recover` asks for it.
import * as z from "zod";
import { failedPrecondition } from "../../api/core/errors.js";
import type { CallOptions, LxdServer } from "./server.js";

const foundSchema = z.object({
  UnknownVolumes: z
    .array(z.object({ name: z.string(), /** `container`, `virtual-machine` or `custom`. */ type: z.string() }))
    .nullable()
    .transform((volumes) => volumes ?? []),
  /** Networks and profiles that they need and that are not there. */
  DependencyErrors: z
    .array(z.string())
    .nullable()
    .transform((errors) => errors ?? []),
});

export interface LostPool {
  readonly name: string;
  readonly driver: string;
  /** Where it is. */
  readonly source: string;
}

export type LostVolume = z.infer<typeof foundSchema>["UnknownVolumes"][number];

/**
 * Takes up the instances and volumes of a pool that may itself be unknown, and the pool with them, unless it has none.
 * @throws failed_precondition when a network or a profile is missing; unknown for what LXD cannot read.
 */
export async function recoverVolumes(
  server: LxdServer,
  { name, driver, source }: LostPool,
  options?: CallOptions,
): Promise<LostVolume[]> {
  const what = `recover volumes of pool ${name}`;
  const json = { pools: [{ name, driver, description: "", config: { source } }] };
  const look = { method: "POST", path: "/internal/recover/validate", json } as const;
  const { UnknownVolumes: volumes, DependencyErrors: missing } = await server.ask(what, look, foundSchema, options);
  if (missing.length > 0) throw failedPrecondition(`lxd: ${what}: ${missing.join(", ")}`);
  if (volumes.length > 0) {
    await server.tell(what, { method: "POST", path: "/internal/recover/import", json }, options);
  }
  return volumes;
}
