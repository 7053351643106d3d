// The task service on top of the process host: messages in, messages out.
// @source containerd api/runtime/task/v2
import { invalidArgument, notImplemented } from "../../api/core/errors.js";
import { defineService, type Handlers } from "../../api/core/handler.js";
import type { ProcessExit, TaskStatus } from "../../api/core/task.js";
import { toTimestamp } from "../../api/core/time.js";
import { Empty } from "../../api/gen/google/protobuf/empty.js";
import type { TaskService } from "../../api/gen/runtime/task/v2/shim.js";
import { Status } from "../../api/gen/types/task/task.js";
import type { CreateProcessTask, ProcessHost, ProcessTask } from "../../runtime/process/process-task.js";
import type { ServedService } from "../../runtime/ttrpc/dispatch.js";
import { taskApi } from "../../runtime/ttrpc/task-api.js";

export interface TaskServiceDeps {
  readonly host: ProcessHost;
  /** A task of this bundle is about to be made. */
  readonly onCreate: (bundle: string) => void;
  /** The answer leaves before anything comes of it. */
  readonly onShutdown: (now: boolean) => void;
}

const STATUS: Readonly<Record<TaskStatus, Status>> = {
  unknown: Status.UNKNOWN,
  created: Status.CREATED,
  running: Status.RUNNING,
  stopped: Status.STOPPED,
  paused: Status.PAUSED,
  pausing: Status.PAUSING,
};
const DONE = Empty.fromPartial({});
const VERSIONS = [2, 3];

/** In every version that shims have. */
export function taskServices(deps: TaskServiceDeps): ServedService[] {
  const handlers = taskHandlers(deps);
  return VERSIONS.map((version) => defineService(taskApi(version), handlers));
}

function taskHandlers({ host, onCreate, onShutdown }: TaskServiceDeps): Handlers<typeof TaskService> {
  const found = (id: string): ProcessTask | undefined => host.tasks().find((task) => task.id === id);
  return {
    state: async ({ id, execId }) => {
      const task = host.task(id);
      const { containerId: _, status, exitedAtNs, ...state } = task.state(execId);
      const name = execId === "" ? id : execId;
      return { ...state, id: name, bundle: task.bundle, status: STATUS[status], exitedAt: toTimestamp(exitedAtNs) };
    },
    create: async ({ parentCheckpoint: _, _unknownFields: __, ...request }, { signal }) => {
      onCreate(request.bundle);
      return await host.create(request satisfies CreateProcessTask, signal);
    },
    start: async ({ id, execId }) => await host.task(id).start(execId),
    delete: async ({ id, execId }) => exitMessage(await host.task(id).delete(execId)),
    pids: async ({ id }) => ({
      processes: (await host.task(id).pids()).map(({ pid, info }) => ({ pid, info })),
    }),
    pause: async ({ id }) => {
      await host.task(id).pause();
      return DONE;
    },
    resume: async ({ id }) => {
      await host.task(id).resume();
      return DONE;
    },
    checkpoint: async ({ id }) => {
      host.task(id);
      throw notImplemented("checkpoint of host processes");
    },
    kill: async ({ id, execId, signal, all }) => {
      await host.task(id).kill(execId, signal, all);
      return DONE;
    },
    exec: async ({ id, execId, spec, terminal, stdin, stdout, stderr }) => {
      if (spec === undefined) throw invalidArgument("exec spec is required");
      await host.task(id).exec(execId, { spec, terminal, stdin, stdout, stderr });
      return DONE;
    },
    resizePty: async ({ id, execId, width, height }) => {
      host.task(id).resizePty(execId, width, height);
      return DONE;
    },
    closeIo: async ({ id, execId, stdin }) => {
      host.task(id).closeIO(execId, stdin);
      return DONE;
    },
    update: async ({ id, resources }) => {
      if (resources === undefined) throw invalidArgument("resources are required");
      await host.task(id).update(resources);
      return DONE;
    },
    wait: async ({ id, execId }, { signal }) => {
      const { exitStatus, exitedAtNs } = await host.task(id).wait(execId, signal);
      return { exitStatus, exitedAt: toTimestamp(exitedAtNs) };
    },
    stats: async ({ id }) => ({ stats: await host.task(id).stats() }),
    // Never fails: a daemon asks so whether anybody is there.
    connect: async ({ id }) => ({ shimPid: process.pid, taskPid: found(id)?.pid ?? 0, version: "" }),
    shutdown: async ({ now }) => {
      onShutdown(now);
      return DONE;
    },
  };
}

/** Exits as the shim's protocol spells them. */
export function exitMessage({ pid, exitStatus, exitedAtNs }: ProcessExit) {
  return { pid, exitStatus, exitedAt: toTimestamp(exitedAtNs) };
}
