// containerd.v1.services.execution.Tasks over the Tasks vocabulary: pids in place of exec ids, events of the ledger as they were told.
// @source containerd services/execution/service.go, linux/{runtime,task}.go at 539742881d
import { type RequestContext, requireNamespace } from "../../api/core/context.js";
import { isNotFound } from "../../api/core/errors.js";
import type { EventLedger } from "../../api/core/event.js";
import { defineService } from "../../api/core/handler.js";
import type { Logger } from "../../api/core/log.js";
import type { Tasks } from "../../api/core/task.js";
import { toTimestamp } from "../../api/core/time.js";
import {
  CheckpointResponse,
  CreateResponse,
  DeleteResponse,
  ExecResponse,
  InfoResponse,
  ListResponse,
  ProcessesResponse,
  TasksService,
} from "../../api/gen/v2017/api/services/execution/execution.js";
import { Empty } from "../../api/gen/v2017/google/protobuf/empty.js";
import { type CheckpointDeps, CRIU_TYPE, checkpoint } from "./checkpoint.js";
import { toSpec } from "./convert-container.js";
import { EVENT_TOPICS, fromCreateRequest, fromDescriptor, toEvent, toTask } from "./convert-task.js";
import { toProcessSpec } from "./exec-spec.js";
import { NO_CONTAINER, ofTask, refuse, worded } from "./failures.js";
import { inNamespace } from "./namespace.js";
import { Processes } from "./processes.js";

export interface TasksDeps extends CheckpointDeps {
  readonly tasks: Tasks;
  readonly events: EventLedger;
  /** Of callers that name none. */
  readonly namespace: string;
  readonly log: Logger;
}

/** The verbs that answer nothing. */
const done = async (work: Promise<void>): Promise<Empty> => {
  await ofTask(work);
  return Empty.fromPartial({});
};

export function defineTasks(deps: TasksDeps) {
  const { containers, tasks, events, namespace } = deps;
  const processes = new Processes(deps);
  const at = (ctx: RequestContext) => inNamespace(ctx, namespace);
  const execIdOf = (ctx: RequestContext, id: string, pid: number) =>
    processes.execIdOf(at(ctx), id, pid, `process does not exist ${pid}`);

  return defineService(TasksService, {
    create: async (request, ctx) => {
      const { containerId, checkpoint: wanted } = request;
      const container = await worded(containers.get(at(ctx), containerId), { not_found: NO_CONTAINER });
      if (toSpec(container) === undefined) refuse("failed_precondition", "container has no spec");
      if (wanted !== undefined && wanted.mediaType !== CRIU_TYPE)
        refuse("invalid_argument", `unsupported checkpoint type ${JSON.stringify(wanted.mediaType)}`);
      const options = { ...fromCreateRequest(request), checkpoint: wanted && fromDescriptor(wanted) };
      const { pid } = await worded(tasks.create(at(ctx), containerId, options), {
        already_exists: "container with id already exists",
      });
      return CreateResponse.fromPartial({ containerId, pid });
    },

    start: async ({ containerId }, ctx) => {
      await ofTask(tasks.start(at(ctx), containerId, ""));
      return Empty.fromPartial({});
    },

    delete: async ({ containerId }, ctx) => {
      const { exitStatus, exitedAtNs } = await ofTask(tasks.delete(at(ctx), containerId));
      return DeleteResponse.fromPartial({ containerId, exitStatus, exitedAt: toTimestamp(exitedAtNs) });
    },

    info: async ({ containerId }, ctx) => {
      const state = await ofTask(tasks.get(at(ctx), containerId, ""));
      return InfoResponse.fromPartial({ task: toTask(state, await specOf(at(ctx), containerId)) });
    },

    list: async (_request, ctx) => {
      const states = await tasks.list(at(ctx));
      const all = states.map(async (state) => toTask(state, await specOf(at(ctx), state.containerId)));
      return ListResponse.fromPartial({ tasks: await Promise.all(all) });
    },

    kill: async ({ containerId, signal, pidOrAll }, ctx) => {
      const all = pidOrAll?.$case === "all" && pidOrAll.value;
      const execId = await targetOf(ctx, containerId, pidOrAll);
      return await done(tasks.kill(at(ctx), containerId, execId, { signal, all }));
    },

    async *events(_request, ctx) {
      const { signal } = ctx;
      const served = requireNamespace(at(ctx));
      const filters = EVENT_TOPICS.map((topic) => `namespace=="${served}",topic=="${topic}"`);
      for await (const envelope of events.subscribe({ filters, signal })) {
        const event = toEvent(envelope);
        if (event !== undefined) yield event;
      }
    },

    exec: async ({ containerId, stdin, stdout, stderr, terminal, spec }, ctx) => {
      const options = { stdin, stdout, stderr, terminal, spec: toProcessSpec(spec, terminal) };
      return ExecResponse.fromPartial({ pid: await processes.start(at(ctx), containerId, options) });
    },

    pty: async ({ containerId, pid, width, height }, ctx) => {
      if (pid === 0) refuse("invalid_argument", "pid not provided in request");
      const execId = await execIdOf(ctx, containerId, pid);
      return await done(tasks.resizePty(at(ctx), containerId, execId, { width, height }));
    },

    closeStdin: async ({ containerId, pid }, ctx) => {
      const execId = await execIdOf(ctx, containerId, pid);
      return await done(tasks.closeIO(at(ctx), containerId, execId, { stdin: true }));
    },

    pause: ({ containerId }, ctx) => done(tasks.pause(at(ctx), containerId)),

    resume: ({ containerId }, ctx) => done(tasks.resume(at(ctx), containerId)),

    processes: async ({ containerId }, ctx) => {
      const present = await ofTask(tasks.pids(at(ctx), containerId));
      return ProcessesResponse.fromPartial({ processes: present.map(({ pid }) => ({ pid })) });
    },

    checkpoint: async (request, ctx) =>
      CheckpointResponse.fromPartial({ descriptors: await checkpoint(deps, at(ctx), request) }),
  });

  /** Records may go before their tasks. */
  async function specOf(ctx: RequestContext, id: string) {
    try {
      return toSpec(await containers.get(ctx, id));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Which process a signal is for; `all: false` is what clients send for the container's own. */
  async function targetOf(ctx: RequestContext, id: string, target: KillTarget | undefined): Promise<string> {
    if (target === undefined) return refuse("invalid_argument", "invalid option specified; expected pid or all");
    if (target.$case === "all" || target.value === 0) return "";
    return await processes.execIdOf(at(ctx), id, target.value, `process ${target.value} does not exist in container`);
  }
}

type KillTarget =
  | { readonly $case: "all"; readonly value: boolean }
  | { readonly $case: "pid"; readonly value: number };
