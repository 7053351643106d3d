// Files in an instance, running or not, as users inside see them: their owners are the inside's.
import type { Readable } from "node:stream";
import * as z from "zod";
import { ContainerdError } from "../../api/core/errors.js";
import { lxdPath, withQuery } from "./path.js";
import type { CallOptions, LxdAnswer, LxdServer } from "./server.js";

export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
  /** Permission bits. */
  readonly mode: number;
}

/** Something at a path. The end of a link is not looked at. */
export type InstanceFile = FileOwner &
  (
    | { readonly type: "file" /** To be read to its end or destroyed. */; readonly content: Readable }
    | { readonly type: "directory"; readonly names: readonly string[] }
    | { readonly type: "symlink"; readonly target: string }
  );

const namesSchema = z.object({ metadata: z.array(z.string()).nullable() });
const MAX_LINK_BYTES = 4_096;

const filesPath = (instance: string, path: string): string =>
  withQuery(lxdPath`/1.0/instances/${instance}/files`, { path });

/** @throws not_found for an instance or a path that is not there. */
export async function readFile(
  server: LxdServer,
  instance: string,
  path: string,
  options?: CallOptions,
): Promise<InstanceFile> {
  const what = `read ${path} of instance ${instance}`;
  const answer = await server.open(what, { method: "GET", path: filesPath(instance, path) }, options);
  const owner = ownerOf(answer);
  const type = header(answer, "x-lxd-type");
  if (type === "directory") {
    const { metadata } = namesSchema.parse(await answer.body.json());
    return { ...owner, type, names: metadata ?? [] };
  }
  if (type === "symlink") {
    const target = (await answer.body.text()).trimEnd();
    if (target.length <= MAX_LINK_BYTES) return { ...owner, type, target };
  }
  if (type === "file") return { ...owner, type, content: answer.body };
  answer.body.destroy();
  throw new ContainerdError("data_loss", `lxd: ${what}: a file of type "${type}": data loss`);
}

/** Writes a file anew, or makes it. @throws not_found without its folder. */
export async function writeFile(
  server: LxdServer,
  instance: string,
  path: string,
  content: Uint8Array | AsyncIterable<Uint8Array>,
  owner: FileOwner,
  options?: CallOptions,
): Promise<void> {
  await put(
    server,
    instance,
    path,
    { ...ownerHeaders(owner), "x-lxd-type": "file", "x-lxd-write": "overwrite" },
    content,
    options,
  );
}

/** Makes a folder; one that is there stays as it is. */
export async function makeDirectory(
  server: LxdServer,
  instance: string,
  path: string,
  owner: FileOwner,
  options?: CallOptions,
): Promise<void> {
  await put(server, instance, path, { ...ownerHeaders(owner), "x-lxd-type": "directory" }, undefined, options);
}

/** Makes a symbolic link. @throws when something is there. */
export async function makeSymlink(
  server: LxdServer,
  instance: string,
  path: string,
  target: string,
  options?: CallOptions,
): Promise<void> {
  await put(server, instance, path, { "x-lxd-type": "symlink" }, Buffer.from(target), options);
}

/** Removes a file or an empty folder. @throws not_found */
export async function deleteFile(
  server: LxdServer,
  instance: string,
  path: string,
  options?: CallOptions,
): Promise<void> {
  const request = { method: "DELETE", path: filesPath(instance, path) } as const;
  await server.tell(`delete ${path} of instance ${instance}`, request, options);
}

async function put(
  server: LxdServer,
  instance: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  bytes: Uint8Array | AsyncIterable<Uint8Array> | undefined,
  options: CallOptions | undefined,
): Promise<void> {
  const request = {
    method: "POST",
    path: filesPath(instance, path),
    headers,
    ...(bytes !== undefined && { bytes }),
  } as const;
  await server.tell(`write ${path} of instance ${instance}`, request, options);
}

const ownerHeaders = ({ uid, gid, mode }: FileOwner): Record<string, string> => ({
  "x-lxd-uid": String(uid),
  "x-lxd-gid": String(gid),
  "x-lxd-mode": mode.toString(8).padStart(4, "0"),
});

function header({ headers }: LxdAnswer, name: string): string {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? "";
}

const ownerOf = (answer: LxdAnswer): FileOwner => ({
  uid: Number(header(answer, "x-lxd-uid")),
  gid: Number(header(answer, "x-lxd-gid")),
  mode: Number.parseInt(header(answer, "x-lxd-mode"), 8),
});
