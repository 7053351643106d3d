// Snapshots of an instance: what it was at a moment, kept beside it.
import * as z from "zod";
import { type OperationOptions, runOperation } from "./operations.js";
import { lxdPath } from "./path.js";
import type { CallOptions, LxdServer } from "./server.js";

const snapshotSchema = z.object({ name: z.string(), created_at: z.string() });

export type LxdSnapshot = z.infer<typeof snapshotSchema>;

const settingsSchema = z.record(z.string(), z.string());
const detailsSchema = snapshotSchema.extend({
  /** The instance's as they were, those below `volatile.` too. */
  config: settingsSchema,
  expanded_devices: z.record(z.string(), settingsSchema),
});

export type LxdSnapshotDetails = z.infer<typeof detailsSchema>;

/** @throws not_found */
export const getSnapshot = (
  server: LxdServer,
  instance: string,
  name: string,
  options?: CallOptions,
): Promise<LxdSnapshotDetails> =>
  server.ask(
    `look at snapshot ${name} of instance ${instance}`,
    { method: "GET", path: lxdPath`/1.0/instances/${instance}/snapshots/${name}` },
    detailsSchema,
    options,
  );

/** @throws not_found; unknown for a name that is taken. */
export async function createSnapshot(
  server: LxdServer,
  instance: string,
  name: string,
  options?: OperationOptions,
): Promise<void> {
  const request = { method: "POST", path: lxdPath`/1.0/instances/${instance}/snapshots`, json: { name } } as const;
  await runOperation(server, `snapshot instance ${instance} as ${name}`, request, options);
}

/** The oldest first. @throws not_found */
export const listSnapshots = (server: LxdServer, instance: string, options?: CallOptions): Promise<LxdSnapshot[]> =>
  server.ask(
    `list snapshots of instance ${instance}`,
    { method: "GET", path: `${lxdPath`/1.0/instances/${instance}/snapshots`}?recursion=1` },
    z.array(snapshotSchema),
    options,
  );

/** @throws not_found */
export async function deleteSnapshot(
  server: LxdServer,
  instance: string,
  name: string,
  options?: OperationOptions,
): Promise<void> {
  const request = { method: "DELETE", path: lxdPath`/1.0/instances/${instance}/snapshots/${name}` } as const;
  await runOperation(server, `delete snapshot ${name} of instance ${instance}`, request, options);
}

/** Makes an instance what it was; a running one is stopped and started for it. @throws not_found */
export async function restoreSnapshot(
  server: LxdServer,
  instance: string,
  name: string,
  options?: OperationOptions,
): Promise<void> {
  const request = { method: "PUT", path: lxdPath`/1.0/instances/${instance}`, json: { restore: name } } as const;
  await runOperation(server, `restore instance ${instance} to ${name}`, request, options);
}
