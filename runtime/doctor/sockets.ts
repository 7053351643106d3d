// Sockets of shims that are gone. Their names are made of the daemon's address and the task's name, so they are ours for certain.
import { basename } from "node:path";
import type { Discovery } from "../../api/core/doctor.js";
import { isDeadSocket, removeDeadSocket, SHIM_SOCKETS, shimSocketPath } from "../drivers/shim/socket.js";
import { listNames } from "../host-processes.js";
import { type HostView, keyOf, knownKeys } from "./task-view.js";

export async function* examineSockets(view: HostView): AsyncGenerator<Discovery> {
  const present = new Set(await listNames(SHIM_SOCKETS));
  if (present.size === 0) return;
  const known = knownKeys(view);
  for (const namespace of await view.namespaces()) {
    for await (const { id } of view.containers.stream({ namespace })) {
      const name = { namespace, id };
      const path = shimSocketPath(view.address, namespace, id);
      if (!present.has(basename(path)) || known.has(keyOf(name))) continue;
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
