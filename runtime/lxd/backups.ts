// Backups: an instance, with or without its snapshots, in one archive that another LXD takes.
import type { Readable } from "node:stream";
import { type OperationOptions, runOperation } from "./operations.js";
import { lxdPath } from "./path.js";
import type { CallOptions, LxdServer } from "./server.js";

export interface BackupOptions extends OperationOptions {
  /** Default: no. */
  readonly withSnapshots?: boolean;
  /** `none`, `gzip`, … Default: gzip. */
  readonly compression?: string;
}

/** Makes a backup beside the instance; it stays until it is deleted. Its progress is in the operation's metadata. @throws not_found */
export async function createBackup(
  server: LxdServer,
  instance: string,
  name: string,
  { withSnapshots = false, compression = "gzip", ...options }: BackupOptions = {},
): Promise<void> {
  const json = { name, instance_only: !withSnapshots, optimized_storage: false, compression_algorithm: compression };
  const request = { method: "POST", path: lxdPath`/1.0/instances/${instance}/backups`, json } as const;
  await runOperation(server, `back up instance ${instance} as ${name}`, request, options);
}

/** The archive; to be read to its end or destroyed. @throws not_found */
export async function openBackup(
  server: LxdServer,
  instance: string,
  name: string,
  options?: CallOptions,
): Promise<Readable> {
  const path = lxdPath`/1.0/instances/${instance}/backups/${name}/export`;
  return (await server.open(`read backup ${name} of instance ${instance}`, { method: "GET", path }, options)).body;
}

/** @throws not_found */
export async function deleteBackup(
  server: LxdServer,
  instance: string,
  name: string,
  options?: OperationOptions,
): Promise<void> {
  const request = { method: "DELETE", path: lxdPath`/1.0/instances/${instance}/backups/${name}` } as const;
  await runOperation(server, `delete backup ${name} of instance ${instance}`, request, options);
}

/** Makes an instance of a backup, under another name if one is given. The upload has no deadline but the signal's. */
export async function restoreBackup(
  server: LxdServer,
  archive: AsyncIterable<Uint8Array>,
  { name, ...options }: OperationOptions & { readonly name?: string } = {},
): Promise<void> {
  const headers = { "content-type": "application/octet-stream", ...(name !== undefined && { "x-lxd-name": name }) };
  const request = { method: "POST", path: "/1.0/instances", headers, bytes: archive } as const;
  const what = name === undefined ? "import a backup" : `import a backup as instance ${name}`;
  await runOperation(server, what, request, { timeoutMs: Number.POSITIVE_INFINITY, ...options });
}
