// What is asked of the engine for a container that is there, one call each. Which state allows what is for the task to know. All of
// them throw what the engine says: not_found, failed_precondition, unavailable, ….
import type { Any } from "../../../api/core/typeurl.js";
import type { Engine } from "../../docker/engine.js";
import { translateResources } from "./spec/resources.js";
import { metricsOf } from "./spec/stats.js";
import { STATE_TIMEOUT_MS, viewSwapLimit } from "./views.js";

/** A container at its engine. */
export interface Place {
  readonly engine: Engine;
  readonly containerId: string;
}

/** Of a terminal, in columns and rows. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

export async function pauseContainer({ engine, containerId }: Place, signal?: AbortSignal): Promise<void> {
  await engine.call(`pause container ${containerId}`, (docker) => docker.getContainer(containerId).pause(), { signal });
}

export async function resumeContainer({ engine, containerId }: Place, signal?: AbortSignal): Promise<void> {
  const what = `resume container ${containerId}`;
  await engine.call(what, (docker) => docker.getContainer(containerId).unpause(), { signal });
}

/** To init alone. */
export async function signalContainer(
  { engine, containerId }: Place,
  signalNumber: number,
  signal?: AbortSignal,
): Promise<void> {
  await engine.call(
    `kill container ${containerId}`,
    (docker) => docker.getContainer(containerId).kill({ signal: String(signalNumber) }),
    { signal },
  );
}

export async function resizeContainer(
  { engine, containerId }: Place,
  { width, height }: Size,
  signal?: AbortSignal,
): Promise<void> {
  await engine.call(
    `resize container ${containerId}`,
    (docker, abortSignal) => docker.getContainer(containerId).resize({ w: width, h: height, abortSignal }),
    { signal },
  );
}

/** Answers or fails within 2 seconds. undefined for one that does not run. */
export async function containerMetrics({ engine, containerId }: Place, signal?: AbortSignal): Promise<Any | undefined> {
  const reply = await engine.call(
    `read the metrics of container ${containerId}`,
    (docker) => docker.getContainer(containerId).stats({ stream: false, "one-shot": true }),
    { signal, timeoutMs: STATE_TIMEOUT_MS },
  );
  return metricsOf(reply);
}

/** @param resources OCI LinuxResources as JSON. @throws invalid_argument, naming all that Docker cannot change. */
export async function updateContainer(
  { engine, containerId }: Place,
  resources: Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  const body = translateResources(resources, await viewSwapLimit(engine, containerId, signal));
  await engine.call(
    `update container ${containerId}`,
    (docker, abortSignal) => docker.getContainer(containerId).update({ ...body, abortSignal }),
    { signal },
  );
}
