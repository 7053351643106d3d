// The start of a container, and its pid, which the engine tells only while the container runs: one that ends at once has had one too.
import type { Engine } from "../../docker/engine.js";
import { type ContainerView, viewContainer } from "./views.js";

/** What may pull in networks, volumes and hooks. */
const START_TIMEOUT_MS = 600_000;
const FIRST_LOOK_MS = 2;
const MAX_LOOK_MS = 50;

/**
 * Starts it and resolves when it runs, or has run. `learn` is told what the engine says of it on the way.
 * @throws what the engine says; it is as before its start then, as a rule.
 */
export async function startContainer(
  engine: Engine,
  containerId: string,
  learn: (view: ContainerView) => Promise<void>,
): Promise<void> {
  let isOver = false;
  const starting = engine
    .call(
      `start container ${containerId}`,
      (docker, abortSignal) => docker.getContainer(containerId).start({ abortSignal }),
      { timeoutMs: START_TIMEOUT_MS },
    )
    .finally(() => {
      isOver = true;
    });
  starting.catch(() => {});
  // An engine answers who asked during the start before it takes note of the end.
  let running: ContainerView | undefined;
  for (let waitMs = FIRST_LOOK_MS; !isOver && running === undefined; waitMs = Math.min(waitMs * 2, MAX_LOOK_MS)) {
    // The answer comes when the start is over: whoever gives up earlier loses its place.
    const view = await viewContainer(engine, containerId, undefined, START_TIMEOUT_MS).catch(() => undefined);
    if (view !== undefined && view.pid !== 0) running = view;
    else if (!isOver) await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
  await starting;
  if (running !== undefined) await learn(running);
  const view = await viewContainer(engine, containerId).catch(() => undefined);
  if (view !== undefined) await learn(view);
}
