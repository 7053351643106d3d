// The socket that a shim leaves behind when it is killed: nobody else removes it.
import { once } from "node:events";
import { unlink } from "node:fs/promises";
import { connect } from "node:net";
import { isAbsolute } from "node:path";

function isErrno(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" && codes.includes(error.code);
}

/** Removes the socket at `path` if nobody listens there; a shim that serves others of its group keeps its own. */
export async function removeDeadSocket(path: string): Promise<void> {
  if (!isAbsolute(path)) return;
  const socket = connect({ path });
  try {
    await once(socket, "connect");
  } catch (error) {
    if (!isErrno(error, "ECONNREFUSED")) return;
    await unlink(path).catch((failure: unknown) => {
      if (!isErrno(failure, "ENOENT")) throw failure;
    });
  } finally {
    socket.destroy();
  }
}
