// The network of a container: which one, under which names, with which ports. Only the first is a spec's; the rest are options.
import { invalidArgument } from "../../../../api/core/errors.js";
import type { DockerOptions } from "../options.js";
import { isContainer } from "./namespaces.js";
import type { Asked, Part } from "./part.js";

/** Networks of Docker in which a container has no ports of its own to publish. */
const WITHOUT_PORTS = /^(host|none|container:.*)$/;

/** Whether the spec is for the host's network, as clients write it. */
export function hasHostNetwork({ spec: { linux } }: Pick<Asked, "spec">): boolean {
  const namespaces = linux?.namespaces ?? [];
  return namespaces.length > 0 && !namespaces.some(({ type }) => type === "network");
}

export function translateNetwork(asked: Asked): Part {
  const { options } = asked;
  const { mode, refused } = networkMode(asked);
  const isPortless = WITHOUT_PORTS.test(mode ?? "");
  const ports = options.ports ?? [];
  const exposed = [...(options.expose ?? []).map(withProtocol), ...ports.map(portName)];
  return {
    config: {
      ...(exposed.length > 0 && { ExposedPorts: Object.fromEntries(exposed.map((port) => [port, {}])) }),
      ...aliases(options, mode),
    },
    host: {
      ...(mode !== undefined && { NetworkMode: mode }),
      ...(ports.length > 0 && { PortBindings: bindings(ports) }),
      ...(options.publishAll && { PublishAllPorts: true }),
      ...(options.extraHosts?.length && { ExtraHosts: options.extraHosts }),
      ...(options.dns?.length && { Dns: options.dns }),
    },
    refused: [...refused, ...(isPortless && ports.length > 0 ? [`options.ports (in network ${mode})`] : [])],
  };
}

/** What the options say, unless the spec asks for something else. */
function networkMode(asked: Asked): { readonly mode: string | undefined; readonly refused: readonly string[] } {
  const { network } = asked.options;
  if (hasHostNetwork(asked)) {
    const refused = (network ?? "host") === "host" ? [] : [`options.network ${network} (the spec has the host's)`];
    return { mode: "host", refused };
  }
  const path = asked.spec.linux?.namespaces?.find(({ type }) => type === "network")?.path;
  if (!path) return { mode: network, refused: [] };
  if (!isContainer(path)) return { mode: network, refused: [`linux.namespaces (network of ${path})`] };
  const refused = (network ?? path) === path ? [] : [`options.network ${network} (the spec has ${path})`];
  return { mode: path, refused };
}

function aliases({ networkAliases = [] }: DockerOptions, mode: string | undefined): Part["config"] {
  if (networkAliases.length === 0) return {};
  if (mode === undefined) throw invalidArgument("runtime options: networkAliases take a network");
  return { NetworkingConfig: { EndpointsConfig: { [mode]: { Aliases: networkAliases } } } };
}

type Ports = NonNullable<DockerOptions["ports"]>;

const withProtocol = (port: string): string => (port.includes("/") ? port : `${port}/tcp`);
const portName = ({ containerPort, protocol }: Ports[number]): string => `${containerPort}/${protocol}`;

function bindings(ports: Ports): Record<string, { HostIp: string; HostPort: string }[]> {
  const byPort = new Map<string, { HostIp: string; HostPort: string }[]>();
  for (const port of ports) {
    const list = byPort.get(portName(port)) ?? [];
    list.push({ HostIp: port.hostIp, HostPort: port.hostPort === 0 ? "" : String(port.hostPort) });
    byPort.set(portName(port), list);
  }
  return Object.fromEntries(byPort);
}
