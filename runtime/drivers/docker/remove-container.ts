// The end of a container of ours: whatever it is doing, with its anonymous volumes.
import { setTimeout as sleep } from "node:timers/promises";
import { errorOf, isFailedPrecondition, isNotFound } from "../../../api/core/errors.js";
import type { Engine } from "../../docker/engine.js";

const REMOVE_TIMEOUT_MS = 60_000;
const LOOK_MS = 50;

/** Resolves when it is not there any more. @throws unavailable, deadline_exceeded, and what the engine says. */
export async function removeContainer(engine: Engine, containerId: string): Promise<void> {
  const what = `remove container ${containerId}`;
  for (const deadlineMs = performance.now() + REMOVE_TIMEOUT_MS; ; await sleep(LOOK_MS)) {
    try {
      return await engine.call(
        what,
        (docker, abortSignal) => docker.getContainer(containerId).remove({ force: true, v: true, abortSignal }),
        { timeoutMs: REMOVE_TIMEOUT_MS },
      );
    } catch (error) {
      if (isNotFound(error)) return;
      // Somebody else is removing it.
      if (!isFailedPrecondition(error)) throw error;
      if (performance.now() > deadlineMs) throw errorOf("deadline_exceeded", `docker: ${what}`, error);
    }
  }
}
