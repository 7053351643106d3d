// The address of a daemon: the path of a unix socket.
import { isAbsolute, resolve } from "node:path";
import { invalidArgument } from "../core/errors.js";

/** sockaddr_un.sun_path less its final zero. */
const MAX_SOCKET_PATH_BYTES = 107;

/** The path in a socket address: a path, or a path behind `unix:` or `unix://`. @throws invalid_argument. */
export function parseSocketAddress(address: string): string {
  if (typeof address !== "string") throw invalidArgument("address must be a string");
  const path = address.replace(/^unix:(?:\/\/)?/, "");
  if (path === "" || path.includes("\0"))
    throw invalidArgument(`socket address ${JSON.stringify(address)} has no path`);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path)) {
    throw invalidArgument(`socket address "${address}" is not the path of a unix socket`);
  }
  const absolute = isAbsolute(path) ? path : resolve(path);
  if (Buffer.byteLength(absolute) > MAX_SOCKET_PATH_BYTES) {
    throw invalidArgument(`socket address "${address}" is longer than ${MAX_SOCKET_PATH_BYTES} bytes`);
  }
  return absolute;
}
