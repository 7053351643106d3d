// Where a registry is spoken to: its own host, or mirrors in front of it.
// @source containerd core/remotes/docker/registry.go, core/remotes/docker/config/hosts.go (defaults)
import type { ConnectionOptions } from "node:tls";

export type Capability = "pull" | "resolve" | "push" | "referrers";

export interface RegistryHost {
  /** `https://mirror.example:5000/v2`, without a slash at the end: what paths of the protocol are appended to. */
  readonly baseUrl: string;
  /** As it is asked for in credentials: with the port, if there is one. */
  readonly name: string;
  readonly capabilities: ReadonlySet<Capability>;
  readonly headers: Readonly<Record<string, string>>;
  /** Certificates and whether they are checked. */
  readonly tls: Pick<ConnectionOptions, "ca" | "cert" | "key" | "rejectUnauthorized">;
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

export interface HostDefaults {
  /** http for every host. Default: false. */
  readonly plainHttp?: boolean | undefined;
  /** Do not check certificates. Default: false. */
  readonly skipVerify?: boolean | undefined;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Certificates in PEM, beside those of the system. */
  readonly tls?: Pick<ConnectionOptions, "ca" | "cert" | "key"> | undefined;
}

/** The host itself. On loopback http is spoken except on port 443 or without a port, and certificates are not checked. */
export function defaultHost(host: string, defaults: HostDefaults = {}): RegistryHost {
  const { name, port } = splitPort(host);
  const isLocal = isLoopback(name);
  const isPlain = defaults.plainHttp === true || (isLocal && port !== "" && port !== "443");
  const address = host === "docker.io" ? "registry-1.docker.io" : host;
  const unverified = defaults.skipVerify === true || (isLocal && port !== "80");
  return {
    baseUrl: `${isPlain ? "http" : "https"}://${address}/v2`,
    name: address,
    capabilities: ALL_CAPABILITIES,
    headers: defaults.headers ?? {},
    tls: { ...defaults.tls, ...(unverified && { rejectUnauthorized: false }) },
  };
}
