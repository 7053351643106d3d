// The tasks of a daemon: the interface of api/core, every call an RPC.
// @source containerd client/task.go
import type { RequestContext } from "../core/context.js";
import { ContainerdError } from "../core/errors.js";
import type {
  CreateTaskOptions,
  ExecOptions,
  ProcessExit,
  ProcessInfo,
  ProcessState,
  TaskDescriptor,
  TaskMetrics,
  TaskStatus,
  Tasks,
} from "../core/task.js";
import { fromTimestamp } from "../core/time.js";
import type { Any } from "../core/typeurl.js";
import type { Timestamp } from "../gen/google/protobuf/timestamp.js";
import { TasksService } from "../gen/services/tasks/v1/tasks.js";
import type { Descriptor } from "../gen/types/descriptor.js";
import { type Process, Status } from "../gen/types/task/task.js";
import type { Channel } from "./channel.js";

const STATUSES: Readonly<Record<number, TaskStatus>> = {
  [Status.CREATED]: "created",
  [Status.RUNNING]: "running",
  [Status.STOPPED]: "stopped",
  [Status.PAUSED]: "paused",
  [Status.PAUSING]: "pausing",
};

export class RemoteTasks implements Tasks {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  async create(ctx: RequestContext, id: string, options: CreateTaskOptions): Promise<{ readonly pid: number }> {
    const { pid } = await this.#channel.unary(
      TasksService.create,
      {
        containerId: id,
        rootfs: options.rootfs.map((mount) => ({ ...mount, target: mount.target ?? "", options: [...mount.options] })),
        stdin: options.stdin,
        stdout: options.stdout,
        stderr: options.stderr,
        terminal: options.terminal,
        checkpoint: toDescriptor(options.checkpoint),
        options: options.options,
        runtimePath: options.runtimePath ?? "",
        taskApiAddress: "",
        taskApiVersion: 0,
      },
      ctx,
    );
    return { pid };
  }

  async start(ctx: RequestContext, id: string, execId: string): Promise<{ readonly pid: number }> {
    const { pid } = await this.#channel.unary(TasksService.start, { containerId: id, execId }, ctx);
    return { pid };
  }

  async delete(ctx: RequestContext, id: string): Promise<ProcessExit> {
    return toExit(await this.#channel.unary(TasksService.delete, { containerId: id }, ctx));
  }

  async deleteProcess(ctx: RequestContext, id: string, execId: string): Promise<ProcessExit> {
    return toExit(await this.#channel.unary(TasksService.deleteProcess, { containerId: id, execId }, ctx));
  }

  async get(ctx: RequestContext, id: string, execId: string): Promise<ProcessState> {
    const { process } = await this.#channel.unary(TasksService.get, { containerId: id, execId }, ctx);
    if (process === undefined) throw new ContainerdError("internal", "the reply holds no process: internal");
    return toState(process, id, execId);
  }

  async list(ctx: RequestContext): Promise<ProcessState[]> {
    const { tasks } = await this.#channel.unary(TasksService.list, { filter: "" }, ctx);
    return tasks.map((task) => toState(task, task.id, ""));
  }

  async kill(
    ctx: RequestContext,
    id: string,
    execId: string,
    options: { readonly signal: number; readonly all: boolean },
  ): Promise<void> {
    await this.#channel.unary(TasksService.kill, { containerId: id, execId, ...options }, ctx);
  }

  async exec(ctx: RequestContext, id: string, execId: string, options: ExecOptions): Promise<void> {
    const { stdin, stdout, stderr, terminal, spec } = options;
    const request = { containerId: id, execId, stdin, stdout, stderr, terminal, spec };
    await this.#channel.unary(TasksService.exec, request, ctx);
  }

  async resizePty(
    ctx: RequestContext,
    id: string,
    execId: string,
    size: { readonly width: number; readonly height: number },
  ): Promise<void> {
    await this.#channel.unary(TasksService.resizePty, { containerId: id, execId, ...size }, ctx);
  }

  async closeIO(ctx: RequestContext, id: string, execId: string, options: { readonly stdin: boolean }): Promise<void> {
    await this.#channel.unary(TasksService.closeIo, { containerId: id, execId, stdin: options.stdin }, ctx);
  }

  async pause(ctx: RequestContext, id: string): Promise<void> {
    await this.#channel.unary(TasksService.pause, { containerId: id }, ctx);
  }

  async resume(ctx: RequestContext, id: string): Promise<void> {
    await this.#channel.unary(TasksService.resume, { containerId: id }, ctx);
  }

  async pids(ctx: RequestContext, id: string): Promise<ProcessInfo[]> {
    const { processes } = await this.#channel.unary(TasksService.listPids, { containerId: id }, ctx);
    return processes.map(({ pid, info }) => ({ pid, info }));
  }

  async checkpoint(ctx: RequestContext, id: string, options: Any | undefined): Promise<TaskDescriptor[]> {
    const request = { containerId: id, parentCheckpoint: "", options };
    const { descriptors } = await this.#channel.unary(TasksService.checkpoint, request, ctx);
    return descriptors.map(fromDescriptor);
  }

  async update(
    ctx: RequestContext,
    id: string,
    options: { readonly resources: Any | undefined; readonly annotations: Readonly<Record<string, string>> },
  ): Promise<void> {
    const annotations = new Map(Object.entries(options.annotations));
    await this.#channel.unary(TasksService.update, { containerId: id, resources: options.resources, annotations }, ctx);
  }

  async metrics(ctx: RequestContext, filters: readonly string[] = []): Promise<TaskMetrics[]> {
    const { metrics } = await this.#channel.unary(TasksService.metrics, { filters: [...filters] }, ctx);
    return metrics.map(({ id, timestamp, data }) => ({ id, timestampNs: fromTimestamp(timestamp), data }));
  }

  async wait(ctx: RequestContext, id: string, execId: string): Promise<ProcessExit> {
    return toExit({ pid: 0, ...(await this.#channel.unary(TasksService.wait, { containerId: id, execId }, ctx)) });
  }
}

function toExit(reply: { pid: number; exitStatus: number; exitedAt?: Timestamp | undefined }): ProcessExit {
  return { pid: reply.pid, exitStatus: reply.exitStatus, exitedAtNs: fromTimestamp(reply.exitedAt) };
}

// The daemon leaves container_id empty and puts the exec's id where the container's stands otherwise.
function toState(process: Process, containerId: string, execId: string): ProcessState {
  return {
    containerId,
    execId,
    pid: process.pid,
    status: STATUSES[process.status] ?? "unknown",
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    terminal: process.terminal,
    exitStatus: process.exitStatus,
    exitedAtNs: fromTimestamp(process.exitedAt),
  };
}

function toDescriptor(descriptor: TaskDescriptor | undefined): Descriptor | undefined {
  if (descriptor === undefined) return undefined;
  const { mediaType, digest, sizeBytes, annotations } = descriptor;
  return { mediaType, digest, size: sizeBytes, annotations: new Map(Object.entries(annotations)) };
}

function fromDescriptor({ mediaType, digest, size, annotations }: Descriptor): TaskDescriptor {
  return { mediaType, digest, sizeBytes: size, annotations: Object.fromEntries(annotations) };
}
