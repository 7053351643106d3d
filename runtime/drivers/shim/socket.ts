// Shims' sockets: where they are, and what becomes of one that a killed shim leaves behind: nobody else removes it.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { unlink } from "node:fs/promises";
import { connect } from "node:net";
import { isAbsolute, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** Where containerd's shims make their sockets. */
export const SHIM_SOCKETS = "/run/containerd/s";

/**
 * The socket that the runc shim makes which a daemon at `address` starts under this name.
 * @source containerd runtime/v2/shim/util_unix.go (SocketAddress)
 */
export function shimSocketPath(address: string, namespace: string, id: string): string {
  const name = createHash("sha256")
    .update(join(address, namespace, id))
    .digest("hex");
  return join(SHIM_SOCKETS, name);
}

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

const DYING_CHECK_MS = 10;

/**
 * Removes the socket of a shim that has ended or is about to: its connection may be seen to close before its listener has, as the kernel
 * closes them one by one. One that still listens after `timeoutMs` keeps it.
 */
export async function removeDyingSocket(path: string, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  await removeDeadSocket(path);
  while (existsSync(path) && performance.now() < deadline) {
    await delay(DYING_CHECK_MS);
    await removeDeadSocket(path);
  }
}

/** Removes the socket at `path` if nobody listens there; a shim that serves others of its group keeps its own. */
export async function removeDeadSocket(path: string): Promise<void> {
  if (!isAbsolute(path) || !(await isDeadSocket(path))) return;
  await unlink(path).catch((failure: unknown) => {
    if (!isErrno(failure, "ENOENT")) throw failure;
  });
}
