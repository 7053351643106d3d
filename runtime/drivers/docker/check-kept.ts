// Asks the engine whether it keeps what a container was to be confined by: some of it engines leave out, with a warning that nobody
// waits for or without one. It costs a call only for containers that ask for it.
import * as z from "zod";
import { invalidArgument } from "../../../api/core/errors.js";
import type { ContainerBody } from "../../docker/container-body.js";
import type { Engine } from "../../docker/engine.js";
import { engineKind } from "../../docker/engine-kind.js";
import { lostLimits, missingModules, wantedLimits, wantedModules } from "./spec/kept.js";
import { dependsOnEngine, podmanChanges } from "./spec/podman.js";

const infoSchema = z.object({
  SecurityOptions: z
    .array(z.string())
    .nullish()
    .transform((options) => options ?? []),
});

/** Before the container is made. @throws invalid_argument naming the security modules that the engine's host does not have. */
export async function checkModules(engine: Engine, body: ContainerBody, signal?: AbortSignal): Promise<void> {
  const wanted = wantedModules(body);
  if (wanted.length === 0) return;
  const info = infoSchema.parse(await engine.call("info", (docker) => docker.info(), { signal }));
  const missing = missingModules(wanted, info.SecurityOptions);
  if (missing.length > 0)
    throw invalidArgument(`a Docker container cannot have ${missing.join(", ")} (not on this engine's host)`);
}

/** When it is made. @throws invalid_argument naming what the engine has dropped, or made otherwise. */
export async function checkMade(
  engine: Engine,
  body: ContainerBody,
  containerId: string,
  signal?: AbortSignal,
): Promise<void> {
  const isOfPodman = dependsOnEngine(body) && (await engineKind(engine, signal)) === "podman";
  if (wantedLimits(body).length === 0 && !isOfPodman) return;
  const { HostConfig: made, Config } = await engine.call(
    `inspect container ${containerId}`,
    (docker, abortSignal) => docker.getContainer(containerId).inspect({ abortSignal }),
    { signal },
  );
  const changed = isOfPodman ? podmanChanges(body, Config.User) : [];
  if (changed.length > 0) throw invalidArgument(`a Podman container cannot have ${changed.join(", ")}`);
  const lost = lostLimits(body, made);
  if (lost.length > 0) {
    throw invalidArgument(`a Docker container cannot have ${lost.join(", ")} (this engine has dropped it)`);
  }
}
