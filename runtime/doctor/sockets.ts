// Sockets of shims that are gone. Their names are made of the daemon's address and the task's name, so they are ours for certain.
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Discovery } from "../../api/core/doctor.js";
import { isDeadSocket, removeDeadSocket } from "../drivers/shim/socket.js";
import { listNames } from "./processes.js";
import { type HostView, keyOf, knownKeys, type TaskName } from "./task-view.js";

/** Where containerd's shims make their sockets. */
const SHIM_SOCKETS = "/run/containerd/s";

/** @source containerd runtime/v2/shim/util_unix.go (SocketAddress) */
const socketName = (address: string, { namespace, id }: TaskName): string =>
  createHash("sha256")
    .update(join(address, namespace, id))
    .digest("hex");

export async function* examineSockets(view: HostView): AsyncGenerator<Discovery> {
  const present = new Set(await listNames(SHIM_SOCKETS));
  if (present.size === 0) return;
  const known = knownKeys(view);
  for (const namespace of await view.namespaces()) {
    for await (const { id } of view.containers.stream({ namespace })) {
      const name = { namespace, id };
      const socket = socketName(view.address, name);
      if (!present.has(socket) || known.has(keyOf(name))) continue;
      const path = join(SHIM_SOCKETS, socket);
      if (!(await isDeadSocket(path))) continue;
      const remove = async (): Promise<boolean> => {
        await removeDeadSocket(path);
        return true;
      };
      yield {
        kind: "stale-socket",
        namespace,
        subject: path,
        detail: `of the shim of ${id}; nobody listens there`,
        isProblem: true,
        repair: async () => (await view.tasks.whileAbsent(name, remove)) === true,
      };
    }
  }
}
