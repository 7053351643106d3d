// Which signal asks a container's first process to end, when nobody says.
import { readFile, readlink } from "node:fs/promises";
import { basename } from "node:path";
import { LXD_RUNTIME } from "../../api/client/lxd-options.js";
import type { Container } from "../../api/core/container.js";
import type { RequestContext } from "../../api/core/context.js";
import { isNotFound } from "../../api/core/errors.js";
import type { Tasks } from "../../api/core/task.js";

const STOP_SIGNAL_LABEL = "io.containerd.image.config.stop-signal";
const DEFAULT_SIGNAL = "SIGTERM";

/** What is needed of a client. */
export interface TaskStates {
  readonly tasks: Pick<Tasks, "get">;
}

/** The image's own, else SIGTERM; in a system container of LXD what its init listens to. */
export async function stopSignalOf(
  client: TaskStates,
  request: RequestContext,
  { id, labels, runtime }: Pick<Container, "id" | "labels" | "runtime">,
): Promise<string> {
  const own = labels[STOP_SIGNAL_LABEL];
  if (own !== undefined) return own;
  if (runtime.name !== LXD_RUNTIME) return DEFAULT_SIGNAL;
  const pid = await pidOf(client, request, id);
  return pid === undefined ? DEFAULT_SIGNAL : ((await haltSignalOf(pid)) ?? DEFAULT_SIGNAL);
}

async function pidOf({ tasks }: TaskStates, request: RequestContext, id: string): Promise<number | undefined> {
  try {
    return (await tasks.get(request, id, "")).pid;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return undefined;
  }
}

/**
 * What an init of a system takes for "halt"; to SIGTERM they begin anew, or do nothing. undefined for any other program, and where
 * the process is not this host's.
 */
async function haltSignalOf(pid: number): Promise<string | undefined> {
  try {
    const [name, line] = await Promise.all(["comm", "cmdline"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8")));
    if (name?.trim() === "systemd") return "RTMIN+3";
    if (basename(line?.split("\0")[0] ?? "") !== "init") return undefined;
    return basename(await readlink(`/proc/${pid}/exe`)) === "busybox" ? "SIGUSR2" : "SIGPWR";
  } catch {
    return undefined;
  }
}
