// Where a registry is spoken to: its own host, or mirrors in front of it.
// @source containerd core/remotes/docker/registry.go, core/remotes/docker/config/hosts.go (defaults)

export type Capability = "pull" | "resolve" | "push" | "referrers";

/** PEM texts. */
export interface ClientCertificate {
  readonly certificate: string;
  readonly key: string;
}

export interface HostTls {
  /** PEM texts of authorities that are trusted beside the system's. */
  readonly ca?: readonly string[] | undefined;
  /** Shown to hosts that ask for one. */
  readonly clients?: readonly ClientCertificate[] | undefined;
  /** Do not check certificates. Default: false, except on loopback. */
  readonly skipVerify?: boolean | undefined;
}

export interface RegistryHost {
  /** `https://mirror.example:5000/v2`, without a slash at the end: what paths of the protocol are appended to. */
  readonly baseUrl: string;
  /** As it is asked for in credentials: with the port, if there is one. */
  readonly name: string;
  readonly capabilities: ReadonlySet<Capability>;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: HostTls;
  /** Milliseconds a connection may take; undefined: 30,000. */
  readonly dialTimeoutMs?: number | undefined;
}

export const ALL_CAPABILITIES: ReadonlySet<Capability> = new Set(["pull", "resolve", "push", "referrers"]);

/** Splits off the port; an address in brackets keeps them. */
export function splitPort(host: string): { readonly name: string; readonly port: string } {
  const match = /^(.*?)(?::(\d+))?$/.exec(host);
  return { name: match?.[1] ?? host, port: match?.[2] ?? "" };
}

const isLoopback = (name: string): boolean =>
  name === "localhost" || name === "[::1]" || name === "::1" || /^127\.\d+\.\d+\.\d+$/.test(name);

/** Settings for every host that no file speaks of. */
export interface HostDefaults extends HostTls {
  /** http for every host. Default: false. */
  readonly plainHttp?: boolean | undefined;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * The host itself. On loopback http is spoken except on port 443 or without a port, and certificates are not checked; where
 * certificates are given, they are meant.
 */
export function defaultHost(host: string, defaults: HostDefaults = {}): RegistryHost {
  const { name, port } = splitPort(host);
  const { ca, clients } = defaults;
  const isLocal = isLoopback(name);
  const isSecured = ca !== undefined || clients !== undefined;
  const isPlain = defaults.plainHttp === true || (isLocal && !isSecured && port !== "" && port !== "443");
  const address = host === "docker.io" ? "registry-1.docker.io" : host;
  const skipVerify = defaults.skipVerify === true || (isLocal && ca === undefined && port !== "80");
  return {
    baseUrl: `${isPlain ? "http" : "https"}://${address}/v2`,
    name: address,
    capabilities: ALL_CAPABILITIES,
    headers: defaults.headers ?? {},
    tls: { ca, clients, skipVerify },
  };
}
