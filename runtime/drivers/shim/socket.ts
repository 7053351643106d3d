// The socket that a shim leaves behind when it is killed: nobody else removes it.
import { once } from "node:events";
import { unlink } from "node:fs/promises";
import { connect } from "node:net";
import { isAbsolute } from "node:path";

function isErrno(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" && codes.includes(error.code);
}

/** Whether the socket at `path` has lost its listener. False when there is none, and when one is merely busy. */
export async function isDeadSocket(path: string): Promise<boolean> {
  const socket = connect({ path });
  try {
    await once(socket, "connect");
    return false;
  } catch (error) {
    return isErrno(error, "ECONNREFUSED");
  } finally {
    socket.destroy();
  }
}

/** Removes the socket at `path` if nobody listens there; a shim that serves others of its group keeps its own. */
export async function removeDeadSocket(path: string): Promise<void> {
  if (!isAbsolute(path) || !(await isDeadSocket(path))) return;
  await unlink(path).catch((failure: unknown) => {
    if (!isErrno(failure, "ENOENT")) throw failure;
  });
}
