// Instances: what LXD calls a container of its own, with its settings and its present state.
import * as z from "zod";
import { type OperationOptions, runOperation } from "./operations.js";
import { lxdPath } from "./path.js";
import type { CallOptions, LxdServer } from "./server.js";

const settingsSchema = z.record(z.string(), z.string());
const devicesSchema = z.record(z.string(), settingsSchema);

const instanceSchema = z.object({
  name: z.string(),
  /** `container` or `virtual-machine`. */
  type: z.string(),
  /** `Running`, `Stopped`, `Frozen`, `Error`. */
  status: z.string(),
  architecture: z.string(),
  /** Its own settings, also LXD's own below `volatile.` and the image's below `image.`. */
  config: settingsSchema,
  devices: devicesSchema,
  /** With those of its profiles. */
  expanded_config: settingsSchema,
  expanded_devices: devicesSchema,
  profiles: z.array(z.string()),
  ephemeral: z.boolean(),
  created_at: z.string(),
  last_used_at: z.string(),
});

export type LxdInstance = z.infer<typeof instanceSchema>;

const stateSchema = z.object({
  status: z.string(),
  /** The same as a number: one of `STATUS`. */
  status_code: z.number(),
  /** Of its init, seen from where LXD runs; 0 when it does not run. LXD says -1 for one that is just ending. */
  pid: z.number().transform((pid) => Math.max(pid, 0)),
  /** How many processes and threads. */
  processes: z.number(),
  cpu: z.object({ /** Nanoseconds. */ usage: z.number() }),
  memory: z.object({
    /** Bytes. */
    usage: z.number(),
    usage_peak: z.number(),
    swap_usage: z.number(),
    swap_usage_peak: z.number(),
  }),
  /** By the interface's name inside. */
  network: z
    .record(
      z.string(),
      z.object({
        addresses: z.array(
          z.object({ family: z.string(), address: z.string(), netmask: z.string(), scope: z.string() }),
        ),
        hwaddr: z.string(),
        state: z.string(),
        /** Since the interface came to be. */
        counters: z.object({
          bytes_received: z.number(),
          bytes_sent: z.number(),
          packets_received: z.number(),
          packets_sent: z.number(),
          errors_received: z.number(),
          errors_sent: z.number(),
          packets_dropped_inbound: z.number(),
          packets_dropped_outbound: z.number(),
        }),
      }),
    )
    .nullable(),
});

export type LxdInstanceState = z.infer<typeof stateSchema>;

/** What an instance is made of. A remote image is fetched over HTTPS by the simplestreams protocol. */
export type InstanceSource =
  | { readonly type: "alias"; readonly alias: string }
  | { readonly type: "fingerprint"; readonly fingerprint: string }
  | { readonly type: "remote"; readonly server: string; readonly alias: string }
  | { readonly type: "copy" /** An instance, or one of its snapshots: `name/snapshot`. */; readonly of: string };

export interface NewInstance {
  readonly name: string;
  readonly source: InstanceSource;
  readonly config?: Readonly<Record<string, string>>;
  readonly devices?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Default: `default`. */
  readonly profiles?: readonly string[];
}

/** @throws not_found */
export const getInstance = (server: LxdServer, name: string, options?: CallOptions): Promise<LxdInstance> =>
  server.ask(
    `look at instance ${name}`,
    { method: "GET", path: lxdPath`/1.0/instances/${name}` },
    instanceSchema,
    options,
  );

export const listInstances = (server: LxdServer, options?: CallOptions): Promise<LxdInstance[]> =>
  server.ask("list instances", { method: "GET", path: "/1.0/instances?recursion=1" }, z.array(instanceSchema), options);

/** @throws not_found */
export const getInstanceState = (server: LxdServer, name: string, options?: CallOptions): Promise<LxdInstanceState> =>
  server.ask(
    `look at the state of instance ${name}`,
    { method: "GET", path: lxdPath`/1.0/instances/${name}/state` },
    stateSchema,
    options,
  );

/** Makes a stopped instance. @throws not_found for an image; invalid_argument; unknown for a name that is taken. */
export async function createInstance(
  server: LxdServer,
  instance: NewInstance,
  options?: OperationOptions,
): Promise<void> {
  const { name, source, config = {}, devices = {}, profiles = ["default"] } = instance;
  const json = { name, source: wireSource(source), config, devices, profiles, type: "container" };
  await runOperation(server, `create instance ${name}`, { method: "POST", path: "/1.0/instances", json }, options);
}

/** Removes a stopped instance with its snapshots. @throws not_found; failed_precondition while it runs. */
export async function deleteInstance(server: LxdServer, name: string, options?: OperationOptions): Promise<void> {
  const request = { method: "DELETE", path: lxdPath`/1.0/instances/${name}` } as const;
  await runOperation(server, `delete instance ${name}`, request, { refusal: "failed_precondition", ...options });
}

/** Renames a stopped instance. @throws not_found; failed_precondition while it runs. */
export async function renameInstance(
  server: LxdServer,
  name: string,
  newName: string,
  options?: OperationOptions,
): Promise<void> {
  const request = { method: "POST", path: lxdPath`/1.0/instances/${name}`, json: { name: newName } } as const;
  const what = `rename instance ${name} to ${newName}`;
  await runOperation(server, what, request, { refusal: "failed_precondition", ...options });
}

export type InstanceAction = "start" | "stop" | "restart" | "freeze" | "unfreeze";

export interface ActionOptions extends OperationOptions {
  /** Kills instead of asking its init to end. Default: no. */
  readonly isForced?: boolean;
  /** How long its init may take to end. Default: 30 s. */
  readonly graceMs?: number;
}

/** @throws not_found; failed_precondition when its state does not allow it, or its init takes too long. */
export async function changeState(
  server: LxdServer,
  name: string,
  action: InstanceAction,
  { isForced = false, graceMs = 30_000, ...options }: ActionOptions = {},
): Promise<void> {
  const json = { action, force: isForced, timeout: Math.ceil(graceMs / 1000), stateful: false };
  const request = { method: "PUT", path: lxdPath`/1.0/instances/${name}/state`, json } as const;
  await runOperation(server, `${action} instance ${name}`, request, { refusal: "failed_precondition", ...options });
}

/** Sets what is given and leaves the rest; an empty text removes a setting. Some of it holds from the next start on. @throws not_found; unknown for what LXD refuses. */
export async function updateInstance(
  server: LxdServer,
  name: string,
  change: Partial<Pick<NewInstance, "config" | "devices">>,
  options?: CallOptions,
): Promise<void> {
  await server.tell(
    `change instance ${name}`,
    { method: "PATCH", path: lxdPath`/1.0/instances/${name}`, json: change },
    options,
  );
}

/** One of its logs, `lxc.log` or `console.log`; to be read to its end or destroyed. @throws not_found */
export async function openInstanceLog(
  server: LxdServer,
  name: string,
  log: string,
  options?: CallOptions,
): Promise<AsyncIterable<Buffer>> {
  const path = lxdPath`/1.0/instances/${name}/logs/${log}`;
  return (await server.open(`read ${log} of instance ${name}`, { method: "GET", path }, options)).body;
}

function wireSource(source: InstanceSource): Readonly<Record<string, string>> {
  switch (source.type) {
    case "alias":
      return { type: "image", alias: source.alias };
    case "fingerprint":
      return { type: "image", fingerprint: source.fingerprint };
    case "remote": {
      const { server, alias } = source;
      return { type: "image", mode: "pull", protocol: "simplestreams", server, alias };
    }
    case "copy":
      return { type: "copy", source: source.of };
  }
}
