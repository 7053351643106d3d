// Connecting a container to the host's CNI network, and taking that back. What was done is kept where CNI's own library keeps it, so
// that either can undo what the other did.
// @source containerd/go-cni cni.go, containernetworking/cni libcni/api.go (the cache's form)
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { configFolder, loadNetwork, type NetworkConfig, parseNetwork } from "./config.js";
import { callPlugin } from "./plugin.js";

const CACHE = "/var/lib/cni/results";
const IF_NAME = "eth0";

const cachedSchema = z.looseObject({
  kind: z.literal("cniCacheV1"),
  containerId: z.string(),
  config: z.base64(),
  ifName: z.string(),
  result: z.looseObject({ interfaces: z.array(z.looseObject({ sandbox: z.string().optional() })).optional() }),
});
type Cached = z.infer<typeof cachedSchema>;

/** A network that one container is connected to, or is to be. */
export interface ContainerNetwork {
  /** Connects the network namespace of the process. @throws what a plugin says; nothing is connected then. */
  attach(pid: number, signal?: AbortSignal): Promise<void>;
  /** Takes everything back that was done for the container. Safe to call twice. */
  detach(): Promise<void>;
}

/** The network that is configured on this host. @throws failed_precondition without one. */
export async function openNetwork(namespace: string, id: string): Promise<ContainerNetwork> {
  const network = await loadNetwork(configFolder());
  const containerId = `${namespace}-${id}`;
  const place = join(CACHE, `${network.name}-${containerId}-${IF_NAME}`);
  const detach = async (): Promise<void> => {
    await disconnect(network, containerId, IF_NAME, (await readCached(place))?.result);
    await rm(place, { force: true });
  };
  return {
    detach,
    attach: async (pid, signal) => {
      try {
        const result = await connect(network, containerId, `/proc/${pid}/ns/net`, signal);
        await mkdir(CACHE, { recursive: true, mode: 0o700 });
        await writeFile(place, JSON.stringify(cacheOf(network, containerId, result)), { mode: 0o600 });
      } catch (error) {
        await detach().catch(() => undefined);
        throw error;
      }
    },
  };
}

/**
 * Takes back what is left of the connections of a container whose task is gone: addresses that are held, rules of the firewall. Its name
 * in the cache could be another's in a namespace with a similar name, so nothing of a process that is there is touched.
 */
export async function releaseNetworks(namespace: string, id: string): Promise<void> {
  const ending = `-${namespace}-${id}-${IF_NAME}`;
  const names = await readdir(CACHE).catch(() => []);
  for (const name of names.filter((each) => each.endsWith(ending))) {
    const place = join(CACHE, name);
    const cached = await readCached(place);
    if (cached?.containerId !== `${namespace}-${id}`) continue;
    if (cached.result.interfaces?.some(({ sandbox = "" }) => sandbox !== "" && existsSync(sandbox))) continue;
    const network = parseNetwork(Buffer.from(cached.config, "base64"), place);
    await disconnect(network, cached.containerId, cached.ifName, cached.result);
    await rm(place, { force: true });
  }
}

/** What each plugin answers, the next one is told. */
async function connect(
  { name, cniVersion, plugins }: NetworkConfig,
  containerId: string,
  netns: string,
  signal: AbortSignal | undefined,
): Promise<object> {
  let prevResult: object | undefined;
  for (const plugin of plugins) {
    const config = { ...withoutCapabilities(plugin), name, cniVersion, ...(prevResult && { prevResult }) };
    const call = { command: "ADD", containerId, netns, ifName: IF_NAME } as const;
    prevResult = (await callPlugin(plugin.type, config, call, signal)) ?? prevResult;
  }
  return prevResult ?? {};
}

/** In the opposite order, all of them, whatever one says. Plugins answer well to what is gone already. @throws the first failure. */
async function disconnect(
  { name, cniVersion, plugins }: NetworkConfig,
  containerId: string,
  ifName: string,
  result: object | undefined,
): Promise<void> {
  const failures: unknown[] = [];
  for (const plugin of [...plugins].reverse()) {
    const config = { ...withoutCapabilities(plugin), name, cniVersion, ...(result && { prevResult: result }) };
    const call = { command: "DEL", containerId, netns: "", ifName } as const;
    await callPlugin(plugin.type, config, call).catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

/** What a plugin could be told of besides; nothing is. */
function withoutCapabilities({
  capabilities: _,
  ...plugin
}: {
  readonly type: string;
  readonly capabilities?: unknown;
}): object {
  return plugin;
}

function cacheOf({ name, source }: NetworkConfig, containerId: string, result: object): object {
  const config = source.toString("base64");
  return { kind: "cniCacheV1", containerId, config, ifName: IF_NAME, networkName: name, result };
}

async function readCached(place: string): Promise<Cached | undefined> {
  const text = await readFile(place, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return cachedSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
