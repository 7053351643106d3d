// Everything about a container: its record, its task with processes, its snapshot, its image, how tasks of it ended, its spec.
import { RuncOptions, RuncProcessDetails, RuntimeOptions } from "../../../api/client/payloads.js";
import type { Container } from "../../../api/core/container.js";
import type { ExitRecord } from "../../../api/core/exit-record.js";
import type { ProcessInfo, ProcessState } from "../../../api/core/task.js";
import { type Any, isTypeOf } from "../../../api/core/typeurl.js";
import type { CommandContext } from "../command.js";
import { containerRow, statusText } from "../daily/container-row.js";
import { readHostProcess } from "../daily/host-process.js";
import { exitsOf } from "../daily/last-exits.js";
import { isAlive, pidsOf } from "../daily/task-pids.js";
import { protoFields } from "../render/proto-fields.js";
import { describeImage } from "./image.js";
import { type Inspector, ifThere, time } from "./inspector.js";
import { describeSnapshot } from "./snapshot.js";

export const inspectContainer: Inspector = async (context, id) => {
  const { client, request } = context;
  const container = await ifThere(client.containers.get(request, id));
  if (container === undefined) return undefined;
  const [task, exits, snapshot, image] = await Promise.all([
    ifThere(client.tasks.get(request, id, "")),
    exitsOf(client, request, container),
    snapshotOf(context, container),
    container.image === "" ? undefined : ifThere(client.images.get(request, container.image)),
  ]);
  const startedAtMs = task === undefined ? undefined : (await readHostProcess(task.pid))?.startedAtMs;
  const row = containerRow(container, task, exits?.[0], exits !== undefined, startedAtMs);
  return {
    kind: "container",
    id,
    state: row.state,
    status: statusText(row),
    container: describeRecord(container),
    task: task === undefined ? null : await describeTask(context, task, startedAtMs),
    exits: exits?.map(describeExit),
    snapshot: container.snapshotKey === "" ? undefined : (snapshot ?? null),
    image: container.image === "" ? undefined : image === undefined ? null : describeImage(image),
    spec: jsonOf(container.spec),
  };
};

function describeExit(exit: ExitRecord): object {
  const { requested } = exit;
  return {
    attempt: exit.attempt,
    exitStatus: exit.exitStatus ?? null,
    signal: exit.signal,
    outOfMemory: exit.isOutOfMemory,
    startedAt: time(exit.startedAtNs),
    exitedAt: time(exit.exitedAtNs),
    requested: requested === undefined ? undefined : { ...requested, timeNs: undefined, time: time(requested.timeNs) },
    message: exit.message === "" ? undefined : exit.message,
    lastLines: exit.lastLines.map((line) => Buffer.from(line).toString()),
  };
}

function describeRecord(container: Container): object {
  const { runtime, extensions } = container;
  return {
    image: container.image,
    labels: new Map(Object.entries(container.labels)),
    runtime: { name: runtime.name, options: runtime.options === undefined ? null : optionsOf(runtime.options) },
    snapshotter: container.snapshotter,
    snapshotKey: container.snapshotKey,
    sandbox: container.sandbox,
    extensions: new Map(Object.entries(extensions).map(([key, any]) => [key, jsonOf(any)] as const)),
    createdAt: time(container.createdAtNs),
    updatedAt: time(container.updatedAtNs),
  };
}

async function describeTask(
  { client, request }: CommandContext,
  task: ProcessState,
  startedAtMs: number | undefined,
): Promise<object> {
  const isStopped = task.status === "stopped";
  const processes = isAlive(task) ? await pidsOf(client, request, task.containerId) : [];
  const { stdin, stdout, stderr, terminal } = task;
  return {
    status: task.status,
    pid: task.pid,
    startedAt: startedAtMs === undefined ? undefined : time(BigInt(Math.round(startedAtMs)) * 1_000_000n),
    exitStatus: isStopped ? task.exitStatus : undefined,
    exitedAt: time(task.exitedAtNs),
    stdio: { stdin, stdout, stderr, terminal },
    processes: processes.map((process) => ({ pid: process.pid, execId: execIdOf(process) })),
  };
}

/** Processes that came by exec carry their id. */
const execIdOf = ({ info }: ProcessInfo): string | undefined =>
  info !== undefined && isTypeOf(info, "containerd.runc.v1.ProcessDetails")
    ? RuncProcessDetails.decode(info.value).execId
    : undefined;

async function snapshotOf(context: CommandContext, container: Container): Promise<object | undefined> {
  const { snapshotter, snapshotKey } = container;
  return snapshotKey === "" ? undefined : await describeSnapshot(context, snapshotter, snapshotKey);
}

function optionsOf(options: Any): unknown {
  if (isTypeOf(options, "containerd.runc.v1.Options")) return protoFields(RuncOptions.decode(options.value));
  if (isTypeOf(options, "runtimeoptions.v1.Options")) return protoFields(RuntimeOptions.decode(options.value));
  return jsonOf(options);
}

/** Specs and the options of our own drivers are JSON; anything else is shown as what it is. */
function jsonOf({ typeUrl, value }: Any): unknown {
  try {
    return JSON.parse(value.toString());
  } catch {
    return { type_url: typeUrl, value };
  }
}
