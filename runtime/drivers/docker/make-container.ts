// From a request to a container of the engine that has not run: its image, what it is made of, its name and labels. Leaves nothing
// when it fails; what it cannot take away then, because the engine has gone, is found by its labels later.
import { alreadyExists, isAlreadyExists } from "../../../api/core/errors.js";
import type { Logger } from "../../../api/core/log.js";
import type { ContainerBody } from "../../docker/container-body.js";
import type { Engine } from "../../docker/engine.js";
import { ensureImage } from "../../docker/ensure-image.js";
import { tellPull } from "../../docker/pull-news.js";
import type { CreateTask, DriverDeps } from "../../driver.js";
import { checkMade, checkModules } from "./check-kept.js";
import { containerName, distinctName, labelsOf, type Ownership, ownedAs } from "./labels.js";
import type { DockerOptions } from "./options.js";
import { removeContainer } from "./remove-container.js";
import { translate } from "./spec/translate.js";
import { listContainers } from "./views.js";

const CREATE_TIMEOUT_MS = 120_000;

export interface MakeContainer {
  readonly engine: Engine;
  readonly request: CreateTask;
  readonly options: DockerOptions;
  readonly owner: string;
  /** The driver's own: images, ledger, clock. */
  readonly deps: DriverDeps;
  readonly log: Logger;
}

/** @returns its id. @throws invalid_argument, not_found, … in the engine's words; cancelled when `signal` came first. */
export async function makeContainer(making: MakeContainer, signal: AbortSignal | undefined): Promise<string> {
  const { engine, request, options, owner, log } = making;
  const { images, ledger, clock } = making.deps;
  const { namespace, id, spec } = request;
  const { stdin, stdout, stderr, terminal } = request;
  const stdio = { stdin, stdout, stderr, terminal };
  // Before an image is fetched for nothing.
  translate({ spec, options, image: request.image, namespace, id, stdio });
  const news = { ledger, clock, log, namespace, image: request.image };
  const { reference } = await tellPull(news, (onProgress) =>
    ensureImage(engine, { ref: request.image, namespace, pull: options.pull, images, signal, onProgress }),
  );
  const body = translate({ spec, options, image: reference, namespace, id, stdio });
  const isStrict = options.isolation === "refuse";
  if (isStrict) await checkModules(engine, body, signal);
  const ownership = { owner, namespace, id };
  const labels = { ...body.Labels, ...labelsOf(ownership) };
  try {
    // Not given up half-way: nobody would know its id then.
    const containerId = await createNamed(engine, { ...body, Labels: labels }, options.name, ownership);
    signal?.throwIfAborted();
    if (isStrict) await checkMade(engine, body, containerId, signal);
    return containerId;
  } catch (error) {
    await removeContainersOf(engine, ownership).catch((err: unknown) =>
      log.warn({ err, namespace, id }, "removing what a failed create left is put off"),
    );
    throw error;
  }
}

/** Removes every container of a task, whoever knows of them. */
export async function removeContainersOf(engine: Engine, ownership: Ownership): Promise<void> {
  for (const { containerId } of await listContainers(engine, ownedAs(ownership))) {
    await removeContainer(engine, containerId);
  }
}

/** Under the name that was chosen, or else under one that nobody has. */
async function createNamed(
  engine: Engine,
  body: ContainerBody,
  chosen: string | undefined,
  { owner, namespace, id }: Ownership,
): Promise<string> {
  const name = chosen ?? containerName(namespace, id);
  try {
    return await create(engine, body, name);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    if (chosen !== undefined) throw alreadyExists(`docker: a container named ${name}`, error);
    return await create(engine, body, distinctName(namespace, id, owner));
  }
}

async function create(engine: Engine, body: ContainerBody, name: string): Promise<string> {
  const container = await engine.call(
    `create container ${name}`,
    (docker, abortSignal) => docker.createContainer({ ...body, name, abortSignal }),
    { timeoutMs: CREATE_TIMEOUT_MS, conflict: "already_exists" },
  );
  return container.id;
}
