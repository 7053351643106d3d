// Tasks between wire and vocabulary. An unset time travels as Go's zero time (api/core/time.ts).
import type {
  CreateTaskOptions,
  Mount,
  ProcessExit,
  ProcessInfo,
  ProcessState,
  TaskDescriptor,
  TaskMetrics,
  TaskStatus,
} from "../../api/core/task.js";
import { toTimestamp } from "../../api/core/time.js";
import { type CreateTaskRequest, DeleteResponse, WaitResponse } from "../../api/gen/services/tasks/v1/tasks.js";
import { Descriptor } from "../../api/gen/types/descriptor.js";
import { Metric } from "../../api/gen/types/metrics.js";
import type { Mount as MountMessage } from "../../api/gen/types/mount.js";
import { Process, ProcessInfo as ProcessInfoMessage, Status } from "../../api/gen/types/task/task.js";
import { toMap, toRecord } from "../maps.js";

const STATUSES: Readonly<Record<TaskStatus, Status>> = {
  unknown: Status.UNKNOWN,
  created: Status.CREATED,
  running: Status.RUNNING,
  stopped: Status.STOPPED,
  paused: Status.PAUSED,
  pausing: Status.PAUSING,
};

export const fromCreateTaskRequest = (request: CreateTaskRequest): CreateTaskOptions => ({
  stdin: request.stdin,
  stdout: request.stdout,
  stderr: request.stderr,
  terminal: request.terminal,
  rootfs: request.rootfs.map(fromMountMessage),
  options: request.options,
  runtimePath: request.runtimePath,
  checkpoint: request.checkpoint && fromDescriptorMessage(request.checkpoint),
});

const fromMountMessage = ({ type, source, target, options }: MountMessage): Mount => ({
  type,
  source,
  target,
  options,
});

const fromDescriptorMessage = (message: Descriptor): TaskDescriptor => ({
  mediaType: message.mediaType,
  digest: message.digest,
  sizeBytes: message.size,
  annotations: toRecord(message.annotations),
});

export const toDescriptorMessage = (descriptor: TaskDescriptor): Descriptor =>
  Descriptor.fromPartial({
    mediaType: descriptor.mediaType,
    digest: descriptor.digest,
    size: descriptor.sizeBytes,
    annotations: toMap(descriptor.annotations),
  });

/** `container_id` stays empty and `id` is the container's or the exec's: containerd answers so. */
export const toProcessMessage = (state: ProcessState): Process =>
  Process.fromPartial({
    id: state.execId === "" ? state.containerId : state.execId,
    pid: state.pid,
    status: STATUSES[state.status],
    stdin: state.stdin,
    stdout: state.stdout,
    stderr: state.stderr,
    terminal: state.terminal,
    exitStatus: state.exitStatus,
    exitedAt: toTimestamp(state.exitedAtNs),
  });

/** `id` is empty for init, else the exec id. */
export const toDeleteResponse = (id: string, exit: ProcessExit): DeleteResponse =>
  DeleteResponse.fromPartial({
    id,
    pid: exit.pid,
    exitStatus: exit.exitStatus,
    exitedAt: toTimestamp(exit.exitedAtNs),
  });

export const toWaitResponse = (exit: ProcessExit): WaitResponse =>
  WaitResponse.fromPartial({ exitStatus: exit.exitStatus, exitedAt: toTimestamp(exit.exitedAtNs) });

export const toProcessInfoMessage = ({ pid, info }: ProcessInfo): ProcessInfoMessage =>
  ProcessInfoMessage.fromPartial({ pid, info });

export const toMetricMessage = ({ id, timestampNs, data }: TaskMetrics): Metric =>
  Metric.fromPartial({ id, timestamp: toTimestamp(timestampNs), data });
