// Where a server of ours may serve other than containerd's clients: a unix socket or a TCP port, told in one text.
import { resolve } from "node:path";
import { invalidArgument } from "../../api/core/errors.js";
import { type ServedOptions, serveGrpc } from "./server.js";
import { serveTcp } from "./tcp.js";

const LOOPBACK = "127.0.0.1";
const LARGEST_PORT = 65_535;

export type Place =
  | { readonly path: string }
  | { readonly path?: undefined; readonly host: string; readonly port: number };

export interface PlacedServer extends AsyncDisposable {
  /** `unix:/path`, `127.0.0.1:8890` */
  readonly address: string;
}

/** @param address `unix:PATH`, or `HOST:PORT`, which is of this host only without a HOST. @throws invalid_argument */
export function parsePlace(address: string): Place {
  const [, path] = /^unix:(?:\/\/)?(.+)$/.exec(address) ?? [];
  if (path !== undefined) return { path: resolve(path) };
  const [, host = "", port] = /^(.*):(\d{1,5})$/.exec(address) ?? [];
  if (port === undefined || Number(port) > LARGEST_PORT) {
    throw invalidArgument(`the address is unix:PATH or HOST:PORT, not ${JSON.stringify(address)}`);
  }
  return { host: host.replace(/^\[(.*)\]$/, "$1") || LOOPBACK, port: Number(port) };
}

/** Serves until disposed. @throws failed_precondition when somebody else serves there; invalid_argument; permission_denied */
export async function serveAt(place: Place, options: ServedOptions): Promise<PlacedServer> {
  if (place.path === undefined) return await serveTcp({ ...place, ...options });
  const server = await serveGrpc({ ...place, ...options });
  return { address: `unix:${server.path}`, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
