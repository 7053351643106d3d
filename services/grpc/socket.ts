// The daemon's unix sockets as files: a live one is left alone, a stale one replaced, the mode set before anybody can connect.

import { once } from "node:events";
import { chmod, lstat, unlink } from "node:fs/promises";
import { connect, type Server } from "node:net";
import { dirname } from "node:path";
import { ContainerdError, errorOf, invalidArgument } from "../../api/core/errors.js";
import { makeOwnFolder } from "../own-folder.js";

/** sun_path of sockaddr_un, less its closing NUL; a longer path would be cut off without a word. */
export const MAX_SOCKET_PATH_BYTES = 107;
const PARENT_MODE = 0o711;
const SOCKET_MODE = 0o660;
/** Connections that may wait to be accepted; the kernel cuts it to its own limit. Beyond it, clients are refused at once. */
const BACKLOG = 4096;

/**
 * Makes room for a socket: the folder above it exists, and nothing is at `path`.
 * @throws invalid_argument for a path that cannot be a socket, failed_precondition when a server answers there, permission_denied.
 */
export async function prepareSocketPath(path: string): Promise<void> {
  if (!path.startsWith("/")) throw invalidArgument(`socket path ${path} is not absolute`);
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw invalidArgument(`socket path ${path} is longer than ${MAX_SOCKET_PATH_BYTES} bytes`);
  }
  await makeOwnFolder("folder of the socket", dirname(path), PARENT_MODE);
  const found = await lstat(path).catch((error: unknown) => {
    if (errno(error) === "ENOENT") return undefined;
    throw error;
  });
  if (found === undefined) return;
  if (!found.isSocket()) throw invalidArgument(`${path} exists and is not a socket`);
  if (await isAnswered(path)) {
    throw new ContainerdError("failed_precondition", `another server is listening on ${path}`);
  }
  await unlink(path);
}

/** Listens at a prepared path; the socket file is 0660 from the moment it exists. */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  // bind(2) happens within listen(), so the mask covers just this socket.
  const mask = process.umask(0o777 & ~SOCKET_MODE);
  try {
    server.listen({ path, backlog: BACKLOG });
  } finally {
    process.umask(mask);
  }
  if (!server.listening) await once(server, "listening");
  await chmod(path, SOCKET_MODE);
}

async function isAnswered(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    return await new Promise<boolean>((resolve, reject) => {
      socket.once("connect", () => resolve(true));
      socket.once("error", (error) => {
        const code = errno(error);
        if (code === "ECONNREFUSED" || code === "ENOENT") resolve(false);
        // A full backlog belongs to a server that is alive, if busy.
        else if (code === "EAGAIN") resolve(true);
        else if (code === "EACCES") reject(errorOf("permission_denied", `socket ${path} is somebody else's`, error));
        else reject(error);
      });
    });
  } finally {
    socket.destroy();
  }
}

const errno = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : undefined);
