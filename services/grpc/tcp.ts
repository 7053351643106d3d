// The gRPC server on a TCP port. Nothing tells here who calls: whoever reaches the port is served.
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { ContainerdError, errorOf, invalidArgument } from "../../api/core/errors.js";
import { type ServedOptions, serveOn } from "./server.js";

export interface TcpServerOptions extends ServedOptions {
  /** Name or address to listen at. Default: 127.0.0.1. */
  readonly host?: string;
  /** 0 for a free one. */
  readonly port: number;
}

export interface TcpServer extends AsyncDisposable {
  /** The one that was taken. */
  readonly port: number;
  /** `127.0.0.1:8082`, `[::]:8082` */
  readonly address: string;
}

const LOOPBACK = "127.0.0.1";

/**
 * Serves until disposed.
 * @throws failed_precondition when somebody else has the port; permission_denied; invalid_argument for a host that is none of ours
 */
export async function serveTcp(options: TcpServerOptions): Promise<TcpServer> {
  const { host = LOOPBACK, port } = options;
  const listener = createServer({ noDelay: true });
  const serving = serveOn(listener, options);
  try {
    listener.listen({ host, port });
    await once(listener, "listening");
  } catch (error) {
    await serving[Symbol.asyncDispose]();
    throw refusal(hostAndPort(host, port), error);
  }
  const taken = listener.address() as AddressInfo; // only a pipe has another kind of address
  return {
    port: taken.port,
    address: hostAndPort(taken.address, taken.port),
    [Symbol.asyncDispose]: () => serving[Symbol.asyncDispose](),
  };
}

const hostAndPort = (host: string, port: number): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

function refusal(address: string, error: unknown): unknown {
  switch (error instanceof Error && "code" in error ? error.code : undefined) {
    case "EADDRINUSE":
      return new ContainerdError("failed_precondition", `another server is listening on ${address}`, { cause: error });
    case "EACCES":
      return errorOf("permission_denied", `cannot listen on ${address}`, error);
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return invalidArgument(`cannot listen on ${address}: this host has no such address`, error);
    case "ERR_SOCKET_BAD_PORT":
      return invalidArgument(`cannot listen on ${address}: no such port`, error);
    default:
      return error;
  }
}
