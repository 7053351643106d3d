// Where a Docker engine listens, as DOCKER_HOST says it, with the certificates that the environment names. Reads nothing but the
// environment: the certificates are read by whoever connects.
// @source docker/cli opts/hosts.go, client/envvars.go (forms, defaults)
import { homedir } from "node:os";
import { join } from "node:path";
import { invalidArgument } from "../../api/core/errors.js";
import { quote } from "../../api/core/quote.js";

/** Where the engine of this machine listens. */
const DEFAULT_HOST = "unix:///var/run/docker.sock";
const DEFAULT_PORT = 2375;
const DEFAULT_TLS_PORT = 2376;

/** A socket of this host, or a port somewhere. */
export type EngineAddress =
  | { readonly kind: "unix"; readonly socketPath: string }
  | {
      readonly kind: "tcp";
      readonly hostname: string;
      readonly port: number;
      /** Undefined: in the clear. */
      readonly tls: EngineTls | undefined;
    };

/** Paths of PEM files. */
export interface EngineTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** The host that is asked for, else that of the environment, else the usual socket. */
export function engineHost(host: string | undefined, env: NodeJS.ProcessEnv): string {
  for (const candidate of [host, env["DOCKER_HOST"]]) if (candidate !== undefined && candidate !== "") return candidate;
  return DEFAULT_HOST;
}

/** @throws invalid_argument for what is neither `unix://<absolute path>` nor `tcp://<host>[:<port>]`. */
export function parseEngineHost(host: string, env: NodeJS.ProcessEnv): EngineAddress {
  const refusal = (why: string): Error => invalidArgument(`docker host ${quote(host)}: ${why}`);
  if (host.startsWith("unix://")) {
    const socketPath = host.slice("unix://".length);
    if (!socketPath.startsWith("/") || socketPath.includes("\0")) throw refusal("the path of a socket is absolute");
    return { kind: "unix", socketPath };
  }
  const url = URL.canParse(host) ? new URL(host) : undefined;
  if (url === undefined || !["tcp:", "http:", "https:"].includes(url.protocol) || url.hostname === "") {
    throw refusal("want unix:///path or tcp://host:port");
  }
  if ((url.pathname !== "" && url.pathname !== "/") || url.search !== "" || url.username !== "") {
    throw refusal("want a host and a port only");
  }
  const isSecure = url.protocol === "https:" || (env["DOCKER_TLS_VERIFY"] ?? "") !== "";
  const port = url.port === "" ? (isSecure ? DEFAULT_TLS_PORT : DEFAULT_PORT) : Number(url.port);
  return { kind: "tcp", hostname: url.hostname, port, tls: isSecure ? tlsOf(env) : undefined };
}

function tlsOf(env: NodeJS.ProcessEnv): EngineTls {
  const named = env["DOCKER_CERT_PATH"] ?? "";
  const folder = named === "" ? join(homedir(), ".docker") : named;
  return { ca: join(folder, "ca.pem"), cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
}
