// The end of a task by Delete: its container goes, and then all that was kept for it.
import { isNotFound, wrapError } from "../../../api/core/errors.js";
import type { ProcessExit } from "../../../api/core/task.js";
import { SIGKILL, statusOfSignal } from "../../engine-driver/signal-numbers.js";
import { type ContainerStatus, refusal, wordOf } from "../../engine-driver/words.js";
import type { TaskContainer } from "./container.js";
import { removeContainer } from "./remove-container.js";

/** @param forget takes away all else. @throws failed_precondition while it runs. */
export async function deleteContainer(
  container: TaskContainer,
  look: () => Promise<ContainerStatus>,
  forget: () => Promise<void>,
): Promise<ProcessExit> {
  try {
    const status = await look().catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    // Somebody has removed it, which has been told by now, and nothing is left.
    if (status === undefined) return await container.ending.wait(undefined);
    if (status === "running" || status === "paused") throw refusal(`cannot delete a ${wordOf(status)} process`);
    const { containerId, deps, pid } = container;
    if (container.exit !== undefined) await deps.streams.finished(containerId, deps.file.saved);
    container.isBeingRemoved = true;
    await removeContainer(deps.engine, containerId).catch((error: unknown) => {
      container.isBeingRemoved = false;
      throw error;
    });
    const exit = container.exit ?? { pid, exitStatus: 0, exitedAtNs: undefined };
    container.ending.settle({ pid, exitStatus: statusOfSignal(SIGKILL), exitedAtNs: undefined });
    await forget();
    return exit;
  } catch (error) {
    throw wrapError("failed to delete task", error);
  }
}
