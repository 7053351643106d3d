// Containers of an engine as anybody sees them, whoever made them: what one is and which ports lead into it, its stop and removal,
// and a program run in it for what it prints.
import { isIPv4 } from "node:net";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type Dockerode from "dockerode";
import { ContainerdError, errorKind, isNotFound, notFound } from "../../api/core/errors.js";
import type { Engine } from "./engine.js";

/** A port of a container that is reached through one of the engine's host. */
export interface PortBinding {
  readonly containerPort: number;
  /** tcp, udp or sctp. */
  readonly protocol: string;
  readonly hostIp: string;
  readonly hostPort: number;
}

export interface EngineContainer {
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether its program has ended. One that was made and never started has not. */
  readonly hasEnded: boolean;
  /** `host`, `none`, `default` or `bridge` for the engine's own, or the network's name. */
  readonly networkMode: string;
  /** In the first of its networks that gave it one; empty on the host's network and when it does not run. */
  readonly ipAddress: string;
  /** Sorted by the container's port. The engine's bindings to IPv6 addresses, which repeat those to IPv4 ones, are left out. */
  readonly ports: readonly PortBinding[];
}

/** What a name may look like; anything else would be another path of the engine's API. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
/** The second is Podman's. */
const ENDED: ReadonlySet<string> = new Set(["exited", "stopped", "dead"]);
/** Of what a program prints, the beginning. */
const MAX_OUTPUT_BYTES = 64 * 1024;

/** By name, id or the beginning of one. @throws not_found. */
export async function inspectContainer(engine: Engine, name: string, signal?: AbortSignal): Promise<EngineContainer> {
  const what = `inspect container ${name}`;
  if (!NAME.test(name)) throw notFound(`docker: ${what}: No such container: ${name}`);
  const info = await engine.call(what, (docker, abortSignal) => docker.getContainer(name).inspect({ abortSignal }), {
    signal,
  });
  return {
    id: info.Id,
    name: info.Name.replace(/^\//, ""),
    labels: info.Config.Labels ?? {},
    hasEnded: ENDED.has(info.State.Status),
    networkMode: info.HostConfig.NetworkMode ?? "default",
    ipAddress: addressOf(info.NetworkSettings),
    ports: portBindings(info.NetworkSettings.Ports),
  };
}

/** The container of exactly this name; undefined without one. */
export async function findContainer(
  engine: Engine,
  name: string,
  signal?: AbortSignal,
): Promise<EngineContainer | undefined> {
  try {
    const found = await inspectContainer(engine, name, signal);
    return found.name === name ? found : undefined;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return undefined;
  }
}

/** Its stop signal, and after `graceSeconds` SIGKILL. One that has stopped, or is gone, does not matter. */
export async function stopContainer(
  engine: Engine,
  id: string,
  { graceSeconds, signal }: { readonly graceSeconds: number; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const stop = (docker: Dockerode, abortSignal: AbortSignal): Promise<unknown> =>
    docker.getContainer(id).stop({ t: graceSeconds, abortSignal });
  try {
    await engine.call(`stop container ${id}`, stop, { signal, timeoutMs: (graceSeconds + 30) * 1000 });
  } catch (error) {
    if (!["not_found", "not_modified"].includes(errorKind(error))) throw error;
  }
}

/** Removes one that does not run, with its unnamed volumes; one that is gone already does not matter. */
export async function removeContainer(engine: Engine, id: string, signal?: AbortSignal): Promise<void> {
  const remove = (docker: Dockerode, abortSignal: AbortSignal): Promise<unknown> =>
    docker.getContainer(id).remove({ v: true, abortSignal });
  await engine.call(`remove container ${id}`, remove, { signal }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
}

/** Runs a program in a container, without a shell around it, to its end. Of its output the first 64 KiB are kept. */
export async function execute(
  engine: Engine,
  id: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<{ readonly exitStatus: number; readonly stdout: string }> {
  return await engine.call(
    `run a program in container ${id}`,
    async (docker, abortSignal) => {
      const options = { Cmd: [...args], AttachStdout: true, AttachStderr: true, abortSignal };
      const exec = await docker.getContainer(id).exec(options);
      const stream = await exec.start({ Detach: false, Tty: false, abortSignal });
      const stdout = collector();
      const rest = collector();
      docker.modem.demuxStream(stream, stdout.stream, rest.stream);
      await pipeline(stream, new Writable({ write: (_chunk, _encoding, done) => done() }), { signal: abortSignal });
      const { ExitCode } = await exec.inspect({ abortSignal });
      if (ExitCode === null) throw new ContainerdError("unknown", "the engine does not tell how the program ended");
      return { exitStatus: ExitCode, stdout: stdout.text() };
    },
    { signal },
  );
}

function collector(): { readonly stream: Writable; readonly text: () => string } {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (sizeBytes < MAX_OUTPUT_BYTES) chunks.push(chunk);
      sizeBytes += chunk.length;
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).subarray(0, MAX_OUTPUT_BYTES).toString() };
}

function addressOf(settings: Dockerode.ContainerInspectInfo["NetworkSettings"]): string {
  const addresses = Object.values(settings.Networks ?? {}).map(({ IPAddress }) => IPAddress);
  return addresses.find((address) => address !== undefined && address !== "") ?? "";
}

type EnginePorts = Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>>;

function portBindings(ports: EnginePorts | undefined | null): PortBinding[] {
  const bindings = Object.entries(ports ?? {}).flatMap(([port, hosts]) => {
    const [number = "", protocol = "tcp"] = port.split("/");
    return (hosts ?? []).map(({ HostIp, HostPort }) => ({
      containerPort: Number(number),
      protocol,
      // Podman's way to say every address.
      hostIp: HostIp === "" ? "0.0.0.0" : HostIp,
      hostPort: Number(HostPort),
    }));
  });
  const told = bindings.filter(({ hostIp, hostPort }) => isIPv4(hostIp) && hostPort > 0);
  return told.sort((a, b) => a.containerPort - b.containerPort || compare(a.protocol, b.protocol));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
