// The networks of an engine, by their exact names: the engine itself would take an id, or the beginning of one, for a name as well.
import type Dockerode from "dockerode";
import { ContainerdError, isNotFound } from "../../api/core/errors.js";
import type { Engine } from "./engine.js";

export interface EngineNetwork {
  readonly name: string;
  /** 64 hexadecimal digits. */
  readonly id: string;
}

export interface CreateNetworkOptions {
  /** Largest packet in bytes. Default: the engine's choice. */
  readonly mtuBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Podman knows this one as well. */
const MTU_OPTION = "com.docker.network.driver.mtu";

/** Podman's default network has another name inside, which the filter goes by. */
const DEFAULT_NETWORK = "bridge";

/** Makes a bridge network. @throws already_exists for a name that is taken. */
export async function createNetwork(
  engine: Engine,
  name: string,
  { mtuBytes, signal }: CreateNetworkOptions = {},
): Promise<EngineNetwork> {
  const body: Dockerode.NetworkCreateOptions = {
    Name: name,
    // Several networks may have one name otherwise.
    CheckDuplicate: true,
    ...(mtuBytes !== undefined && { Options: { [MTU_OPTION]: String(mtuBytes) } }),
  };
  const made = await engine.call(
    `create network ${name}`,
    (docker, abortSignal) => docker.createNetwork({ ...body, abortSignal }),
    { signal, conflict: "already_exists" },
  );
  const [found, ...more] = await networksNamed(engine, name, signal);
  // The engine looks whether the name is taken, and others come between that and the making.
  if (more.length > 0) {
    await removeNetwork(engine, made.id);
    throw new ContainerdError("already_exists", `network with name ${name} already exists`);
  }
  // Podman answers the making with the name.
  return found ?? { name, id: made.id };
}

/** The network of exactly this name; undefined without one. */
export async function findNetwork(
  engine: Engine,
  name: string,
  signal?: AbortSignal,
): Promise<EngineNetwork | undefined> {
  return (await networksNamed(engine, name, signal))[0];
}

async function networksNamed(engine: Engine, name: string, signal: AbortSignal | undefined): Promise<EngineNetwork[]> {
  if (name === "") return [];
  const filter = name === DEFAULT_NETWORK ? {} : { filters: { name: [name] } };
  const networks = await engine.call(
    `look for network ${name}`,
    (docker, abortSignal) => docker.listNetworks({ ...filter, abortSignal }),
    { signal },
  );
  // The filter matches parts of names too.
  return networks.filter(({ Name }) => Name === name).map(({ Id }) => ({ name, id: Id }));
}

/** Removes a network by its id; one that is gone already does not matter. @throws failed_precondition while containers are on it. */
export async function removeNetwork(engine: Engine, id: string, signal?: AbortSignal): Promise<void> {
  const remove = (docker: Dockerode, abortSignal: AbortSignal) => docker.getNetwork(id).remove({ abortSignal });
  await engine.call(`remove network ${id}`, remove, { signal }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
}
