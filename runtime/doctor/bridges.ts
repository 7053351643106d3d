// Sockets of bridges that are gone: those lie in the state folder, so they are ours for certain.
import { join } from "node:path";
import type { Discovery } from "../../api/core/doctor.js";
import { listDir } from "../bundle.js";
import { lockStart } from "../detached/start-lock.js";
import { isDeadSocket, removeDeadSocket } from "../drivers/shim/socket.js";
import type { HostView } from "./task-view.js";

const BRIDGE_SOCKET = "bridge.sock";
/** For a daemon that is just starting one. */
const LOCK_TIMEOUT_MS = 5_000;

export async function* examineBridges({ stateDir }: Pick<HostView, "stateDir">): AsyncGenerator<Discovery> {
  for (const name of await listDir(stateDir)) {
    const folder = join(stateDir, name);
    if (!(await listDir(folder).catch((): string[] => [])).includes(BRIDGE_SOCKET)) continue;
    const path = join(folder, BRIDGE_SOCKET);
    if (!(await isDeadSocket(path))) continue;
    yield {
      kind: "stale-socket",
      namespace: "",
      subject: path,
      detail: "of a bridge that carried streams; nobody listens there",
      isProblem: true,
      repair: async () => {
        using _start = await lockStart(path, LOCK_TIMEOUT_MS);
        await removeDeadSocket(path);
        return true;
      },
    };
  }
}
