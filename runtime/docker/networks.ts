// The networks of an engine, by their exact names: the engine itself would take an id, or the beginning of one, for a name as well.
import type Dockerode from "dockerode";
import { alreadyExists, isNotFound } from "../../api/core/errors.js";
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
  // Podman answers with the name.
  const found = await findNetwork(engine, name, signal);
  if (found === undefined) return { name, id: made.id };
  if (/^[\da-f]{64}$/.test(made.id) && made.id !== found.id) throw alreadyExists(`network ${name}`);
  return found;
}

/** The network of exactly this name; undefined without one. */
export async function findNetwork(
  engine: Engine,
  name: string,
  signal?: AbortSignal,
): Promise<EngineNetwork | undefined> {
  if (name === "") return undefined;
  const networks = await engine.call(
    `look for network ${name}`,
    (docker, abortSignal) => docker.listNetworks({ filters: { name: [name] }, abortSignal }),
    { signal },
  );
  // The filter matches parts of names too.
  const found = networks.find(({ Name }) => Name === name);
  return found && { name, id: found.Id };
}

/** Removes a network by its id; one that is gone already does not matter. @throws failed_precondition while containers are on it. */
export async function removeNetwork(engine: Engine, id: string, signal?: AbortSignal): Promise<void> {
  const remove = (docker: Dockerode, abortSignal: AbortSignal) => docker.getNetwork(id).remove({ abortSignal });
  await engine.call(`remove network ${id}`, remove, { signal }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
}
