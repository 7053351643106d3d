// The records of containers in the store: one for each instance of LXD that is not the service's own business, whoever made it, and
// the task of each that runs.
import { isDeepStrictEqual } from "node:util";
import { removeProcess, unlessNotFound } from "../../api/client/run/remove.js";
import type { Container } from "../../api/core/container.js";
import { isNotFound } from "../../api/core/errors.js";
import type { Labels } from "../../api/core/labels.js";
import type { ProcessState } from "../../api/core/task.js";
import { type Any, anyOfJson, SPEC_TYPE } from "../../api/core/typeurl.js";
import { LXD_OPTIONS_TYPE } from "../../runtime/drivers/lxd/options.js";
import { type LxdInstance, listInstances } from "../../runtime/lxd/instances.js";
import { removeToken } from "./devices.js";
import { findInstance, isActive } from "./instances.js";
import { CREATED_MARK, FINISHED_MARK, isInternalName } from "./names.js";
import { LXD_RUNTIME, type Tremplin } from "./tremplin.js";

/** How long the daemon may take to have heard of an end that LXD has told. */
const END_TIMEOUT_MS = 10_000;
/** What boots is the image's business. */
const SPEC = { ociVersion: "1.0.2", process: { cwd: "/", args: [] } };
const NO_STDIO = { stdin: "", stdout: "", stderr: "", terminal: false };

/** Labels that repeat an instance's marks. */
const MARKS = [
  { label: "tremplin.created", mark: CREATED_MARK },
  { label: "tremplin.finished", mark: FINISHED_MARK },
] as const;

/** After LXD's start: compares all of them. */
export async function reconcileRecords(tremplin: Tremplin): Promise<void> {
  const names = new Set((await listInstances(tremplin.lxd)).map(({ name }) => name));
  for (const record of await tremplin.client.containers.list({})) if (isOurs(record)) names.add(record.id);
  for (const name of names) {
    await tremplin.names
      .run(name, () => reconcileRecord(tremplin, name))
      .catch((err: unknown) => tremplin.log.warn({ name, err }, "cannot bring a record in step with its container"));
  }
}

/** Makes the record of an instance, or takes that of a missing one away; the same for its task, and for the token of a run. Hold the name. */
export async function reconcileRecord(tremplin: Tremplin, name: string): Promise<void> {
  if (isInternalName(name)) return;
  const instance = await findInstance(tremplin, name);
  if (instance === undefined) {
    const record = await findRecord(tremplin, name);
    if (record !== undefined && isOurs(record)) await dropRecord(tremplin, name, AbortSignal.timeout(END_TIMEOUT_MS));
    return;
  }
  await keepRecord(tremplin, instance);
  await reconcileTask(tremplin, instance);
  if (!isActive(instance)) await removeToken(tremplin, name);
}

/** Makes the record, or brings its labels up to date. */
export async function keepRecord(tremplin: Tremplin, instance: LxdInstance): Promise<void> {
  const { containers } = tremplin.client;
  const { name } = instance;
  const labels = labelsOf(instance);
  const record = await findRecord(tremplin, name);
  if (record === undefined) {
    await containers.create(
      {},
      {
        id: name,
        labels,
        image: instance.config["volatile.base_image"] ?? "",
        runtime: { name: LXD_RUNTIME, options: optionsOf(name) },
        spec: anyOfJson(SPEC_TYPE, SPEC),
      },
    );
  } else if (isOurs(record) && !isDeepStrictEqual({ ...record.labels, ...labels }, { ...record.labels })) {
    await containers.update({}, { id: name, labels: { ...record.labels, ...labels } }, ["labels"]);
  }
}

/** Takes record and task away. What is gone already does not matter. */
export async function dropRecord({ client }: Tremplin, name: string, signal: AbortSignal): Promise<void> {
  await removeProcess(client, { signal }, name, "");
  await client.containers.delete({ signal }, name).catch(unlessNotFound);
}

/** Starts it by a new task. @throws as Tasks.create and Tasks.start, and then there is no task. */
export async function startTask({ client }: Tremplin, name: string, signal: AbortSignal): Promise<void> {
  // That of its run before.
  await client.tasks.delete({ signal }, name).catch(unlessNotFound);
  await client.tasks.create({ signal }, name, { ...NO_STDIO, rootfs: [] });
  try {
    await client.tasks.start({ signal }, name, "");
  } catch (error) {
    const patience = { signal: AbortSignal.timeout(END_TIMEOUT_MS) };
    await client.tasks.delete(patience, name).catch(() => undefined);
    throw error;
  }
}

/** What runs has a task, whoever started it; the task of what has ended goes. */
async function reconcileTask({ client }: Tremplin, instance: LxdInstance): Promise<void> {
  const { name } = instance;
  const signal = AbortSignal.timeout(END_TIMEOUT_MS);
  const task = await findTask(client, name);
  if (isActive(instance)) {
    if (task?.status === "stopped") await client.tasks.delete({ signal }, name).catch(unlessNotFound);
    if (task === undefined || task.status === "stopped") {
      await client.tasks.create({ signal }, name, { ...NO_STDIO, rootfs: [] });
    }
  } else if (task !== undefined) {
    if (task.status !== "created") await client.tasks.wait({ signal }, name, "").catch(unlessNotFound);
    await client.tasks.delete({ signal }, name).catch(unlessNotFound);
  }
}

const optionsOf = (name: string): Any => anyOfJson(LXD_OPTIONS_TYPE, { instance: name });

const labelsOf = ({ config }: LxdInstance): Labels =>
  Object.fromEntries(MARKS.filter(({ mark }) => config[mark] === "true").map(({ label }) => [label, "true"]));

/** Whether it stands for the instance of its name, rather than for something that somebody else put into the namespace. */
function isOurs({ id, runtime: { name, options } }: Container): boolean {
  const ours = optionsOf(id);
  return name === LXD_RUNTIME && options?.typeUrl === ours.typeUrl && Buffer.from(ours.value).equals(options.value);
}

async function findRecord({ client }: Tremplin, name: string): Promise<Container | undefined> {
  return await client.containers.get({}, name).catch(unlessMissing);
}

async function findTask({ tasks }: Tremplin["client"], name: string): Promise<ProcessState | undefined> {
  return await tasks.get({}, name, "").catch(unlessMissing);
}

function unlessMissing(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
  return undefined;
}
