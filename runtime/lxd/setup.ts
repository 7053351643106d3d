// What an LXD needs before it runs anything: its own settings, storage pools, networks, profiles. Each is made where it is missing
// and given the wanted settings where it is there.
import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import { errorKind, isNotFound, isUnavailable } from "../../api/core/errors.js";
import { lxdPath } from "./path.js";
import type { CallOptions, LxdServer } from "./server.js";

type Settings = Readonly<Record<string, string>>;

const serverSchema = z.object({
  config: z.record(z.string(), z.unknown()),
  environment: z.object({
    server_version: z.string(),
    server_pid: z.number(),
    /** Of the machine's own kind first. */
    architectures: z.array(z.string()),
  }),
});

export type LxdInfo = z.infer<typeof serverSchema>;

/** Also answers whether somebody is there. @throws unavailable */
export const getLxdInfo = (server: LxdServer, options?: CallOptions): Promise<LxdInfo> =>
  server.ask("look at the server", { method: "GET", path: "/1.0" }, serverSchema, options);

/** Whether it has got through its own start. False as well when nobody answers in time; else @throws as `LxdServer.ask`. */
export async function isLxdReady(server: LxdServer, options?: CallOptions): Promise<boolean> {
  try {
    await server.tell("ask whether it is ready", { method: "GET", path: "/internal/ready" }, options);
    return true;
  } catch (error) {
    if (isUnavailable(error) || errorKind(error) === "deadline_exceeded") return false;
    throw error;
  }
}

/** Settings of LXD itself; the others stay. @throws invalid_argument */
export async function configureServer(server: LxdServer, config: Settings, options?: CallOptions): Promise<void> {
  await server.tell("configure the server", { method: "PATCH", path: "/1.0", json: { config } }, options);
}

/** A pool that is there stays as it is: its driver and place cannot change. @throws invalid_argument */
export async function ensureStoragePool(
  server: LxdServer,
  pool: { readonly name: string; readonly driver: string; readonly config?: Settings },
  options?: CallOptions,
): Promise<void> {
  if (await isThere(server, lxdPath`/1.0/storage-pools/${pool.name}`, options)) return;
  const json = { config: {}, ...pool };
  await server.tell(`make storage pool ${pool.name}`, { method: "POST", path: "/1.0/storage-pools", json }, options);
}

const networkSchema = z.object({
  name: z.string(),
  /** False for one that the host has without LXD. */ managed: z.boolean(),
  config: z.record(z.string(), z.string()),
});

/** A network; undefined when there is none of that name. */
export async function getNetwork(
  server: LxdServer,
  name: string,
  options?: CallOptions,
): Promise<z.infer<typeof networkSchema> | undefined> {
  const path = lxdPath`/1.0/networks/${name}`;
  return await server
    .ask(`look at network ${name}`, { method: "GET", path }, networkSchema, options)
    .catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
}

/** A bridge. @throws invalid_argument; unknown when the machine cannot have it. */
export async function ensureNetwork(
  server: LxdServer,
  { name, config }: { readonly name: string; readonly config: Settings },
  options?: CallOptions,
): Promise<void> {
  const path = lxdPath`/1.0/networks/${name}`;
  if ((await getNetwork(server, name, options))?.managed === true) {
    await server.tell(`change network ${name}`, { method: "PATCH", path, json: { config } }, options);
    return;
  }
  const json = { name, type: "bridge", config };
  await server.tell(`make network ${name}`, { method: "POST", path: "/1.0/networks", json }, options);
}

export interface Profile {
  readonly name: string;
  readonly config?: Settings;
  readonly devices?: Readonly<Record<string, Settings>>;
}

const settings = z.record(z.string(), z.string());
const profileSchema = z.object({ config: settings, devices: z.record(z.string(), settings) });

/**
 * Afterwards the profile is this and nothing more. One that is so already is not written: LXD would write all instances that have it, too.
 * @throws invalid_argument
 */
export async function ensureProfile(server: LxdServer, profile: Profile, options?: CallOptions): Promise<void> {
  const { name, config = {}, devices = {} } = profile;
  const path = lxdPath`/1.0/profiles/${name}`;
  const json = { description: "", config, devices };
  const isSo = async (): Promise<boolean> => {
    const found = await server.ask(`look at profile ${name}`, { method: "GET", path }, profileSchema, options);
    return isDeepStrictEqual(found, { config, devices });
  };
  if (await isThere(server, path, options)) {
    if (await isSo()) return;
    try {
      await server.tell(`change profile ${name}`, { method: "PUT", path, json }, options);
    } catch (error) {
      // An instance that is just being made cannot be written; it takes the profile, which is saved all the same, when it starts.
      if (!(await isSo())) throw error;
    }
    return;
  }
  await server.tell(
    `make profile ${name}`,
    { method: "POST", path: "/1.0/profiles", json: { name, ...json } },
    options,
  );
}

async function isThere(server: LxdServer, path: string, options: CallOptions | undefined): Promise<boolean> {
  return await server.ask(`look at ${path}`, { method: "GET", path }, z.unknown(), options).then(
    () => true,
    (error: unknown) => {
      if (isNotFound(error)) return false;
      throw error;
    },
  );
}
