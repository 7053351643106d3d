// StartContainer: `docker pull` and `docker run -d --rm -P`.
import { mkdir } from "node:fs/promises";
import {
  type StartContainerRequest,
  StartContainerResponse,
} from "../../api/gen/chromiumos/test/api/cros_tool_runner_container_service.js";
import { findContainer, inspectContainer, removeContainer, stopContainer } from "../../runtime/docker/containers.js";
import { discard, findRecord, NAME_LABEL, OWNER_LABEL, recordId } from "./container-record.js";
import { commandMessage, serviceError } from "./errors.js";
import { fetchImage } from "./pull-image.js";
import { watch } from "./removal.js";
import type { Runner } from "./runner.js";
import { checkStart, recordOf, volumeFolders } from "./start-request.js";

/** As docker gives a container that is to stop. */
export const GRACE_SECONDS = 10;
/** As docker words it. */
const NAME_TAKEN = /is already in use|name is reserved/;
const NO_STDIO = { stdin: "", stdout: "", stderr: "", terminal: false };

/**
 * `templateNetwork`: where a template put it, so that the port of its service is looked for there; undefined for a plain start.
 * Once the image is there it goes through, so that what is made is known to be ours.
 */
export async function startContainer(
  runner: Runner,
  request: StartContainerRequest,
  signal?: AbortSignal,
  templateNetwork?: string,
): Promise<StartContainerResponse> {
  checkStart(request);
  const { name } = request;
  const record = recordOf(
    request,
    { id: recordId(name), labels: { [NAME_LABEL]: name, [OWNER_LABEL]: runner.instance } },
    runner.env,
  );
  await fetchImage(runner, request.containerImage, signal);
  await makeFolders(runner, volumeFolders(request));
  return await runner.names.run(
    name,
    async () => {
      await makeRoom(runner, name, record.id);
      const { createdAtNs } = await runner.client.containers.create({}, record);
      let id = "";
      try {
        await runner.client.tasks.create({}, record.id, { ...NO_STDIO, rootfs: [] });
        // Before the start: a command that ends at once is removed before anybody could ask.
        ({ id } = await inspectContainer(runner.engine, name));
        runner.containers.declare(name, id);
        if (templateNetwork !== undefined) runner.templated.set(id, templateNetwork);
        await runner.client.tasks.start({}, record.id, "");
      } catch (error) {
        runner.containers.forget(name, id);
        runner.templated.delete(id);
        await discard(runner, record.id).catch((err: unknown) => runner.log.warn({ name, err }, "cannot clean up"));
        throw startError(error);
      }
      watch(runner, { name, recordId: record.id, createdAtNs, id });
      return StartContainerResponse.fromPartial({ container: { name, id, owned: true } });
    },
    signal,
  );
}

/** As `docker run --volume` makes them; of an engine elsewhere they are not here. */
async function makeFolders({ engine }: Runner, folders: readonly string[]): Promise<void> {
  if (!engine.isLocal) return;
  for (const folder of folders) {
    // What is there already may be a file, and what cannot be made the engine will miss.
    await mkdir(folder, { recursive: true }).catch(() => undefined);
  }
}

/**
 * Takes a container of the same name away that is ours, or that has ended, and a record that was left without one.
 * @throws already_exists for any other.
 */
async function makeRoom(runner: Runner, name: string, id: string): Promise<void> {
  const record = await findRecord(runner, id);
  if (record !== undefined && record.labels[NAME_LABEL] !== name) {
    throw serviceError("already_exists", `The store has a container "${id}" that this service did not make`);
  }
  const present = await findContainer(runner.engine, name);
  if (present !== undefined) {
    if (!present.hasEnded && !runner.containers.has(name, present.id)) {
      const message = `Conflict. The container name "/${name}" is already in use by container "${present.id}".`;
      throw serviceError("already_exists", message);
    }
    await stopContainer(runner.engine, present.id, { graceSeconds: GRACE_SECONDS });
  }
  if (record !== undefined) await discard(runner, id);
  if (present !== undefined) await removeContainer(runner.engine, present.id);
}

function startError(error: unknown): Error {
  const message = commandMessage(error);
  return serviceError(NAME_TAKEN.test(message) ? "already_exists" : "unknown", message, error);
}
