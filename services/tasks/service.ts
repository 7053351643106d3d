// tasks.v1 over the Tasks vocabulary: messages in, messages out. Who may do what when is the task manager's business.
// @source containerd plugins/services/tasks/local.go
import { requireNamespace } from "../../api/core/context.js";
import { invalidArgument } from "../../api/core/errors.js";
import { defineService } from "../../api/core/handler.js";
import type { Tasks } from "../../api/core/task.js";
import { Empty } from "../../api/gen/google/protobuf/empty.js";
import {
  CheckpointTaskResponse,
  CreateTaskResponse,
  GetResponse,
  ListPidsResponse,
  ListTasksResponse,
  MetricsResponse,
  StartResponse,
  TasksService,
} from "../../api/gen/services/tasks/v1/tasks.js";
import { toRecord } from "../maps.js";
import {
  fromCreateTaskRequest,
  toDeleteResponse,
  toDescriptorMessage,
  toMetricMessage,
  toProcessInfoMessage,
  toProcessMessage,
  toWaitResponse,
} from "./convert.js";

/** The verbs that answer nothing. */
const done = async (work: Promise<void>): Promise<Empty> => {
  await work;
  return Empty.fromPartial({});
};

export const defineTasksService = ({ tasks }: { readonly tasks: Tasks }) =>
  defineService(
    TasksService,
    {
      create: async (request, ctx) => {
        const { containerId } = request;
        const { pid } = await tasks.create(ctx, containerId, fromCreateTaskRequest(request));
        return CreateTaskResponse.fromPartial({ containerId, pid });
      },

      start: async ({ containerId, execId }, ctx) =>
        StartResponse.fromPartial({ pid: (await tasks.start(ctx, containerId, execId)).pid }),

      delete: async ({ containerId }, ctx) => toDeleteResponse("", await tasks.delete(ctx, containerId)),

      deleteProcess: async ({ containerId, execId }, ctx) =>
        toDeleteResponse(execId, await tasks.deleteProcess(ctx, containerId, execId)),

      get: async ({ containerId, execId }, ctx) =>
        GetResponse.fromPartial({ process: toProcessMessage(await tasks.get(ctx, containerId, execId)) }),

      // The filter is read by nobody, here as in containerd.
      list: async (_request, ctx) =>
        ListTasksResponse.fromPartial({ tasks: (await tasks.list(ctx)).map(toProcessMessage) }),

      kill: ({ containerId, execId, signal, all }, ctx) => done(tasks.kill(ctx, containerId, execId, { signal, all })),

      exec: ({ containerId, execId, stdin, stdout, stderr, terminal, spec }, ctx) => {
        requireNamespace(ctx);
        if (spec === undefined) throw invalidArgument("exec spec must be set");
        return done(tasks.exec(ctx, containerId, execId, { stdin, stdout, stderr, terminal, spec }));
      },

      resizePty: ({ containerId, execId, width, height }, ctx) =>
        done(tasks.resizePty(ctx, containerId, execId, { width, height })),

      closeIo: ({ containerId, execId, stdin }, ctx) => done(tasks.closeIO(ctx, containerId, execId, { stdin })),

      pause: ({ containerId }, ctx) => done(tasks.pause(ctx, containerId)),

      resume: ({ containerId }, ctx) => done(tasks.resume(ctx, containerId)),

      listPids: async ({ containerId }, ctx) =>
        ListPidsResponse.fromPartial({ processes: (await tasks.pids(ctx, containerId)).map(toProcessInfoMessage) }),

      checkpoint: async ({ containerId, options }, ctx) =>
        CheckpointTaskResponse.fromPartial({
          descriptors: (await tasks.checkpoint(ctx, containerId, options)).map(toDescriptorMessage),
        }),

      update: ({ containerId, resources, annotations }, ctx) =>
        done(tasks.update(ctx, containerId, { resources, annotations: toRecord(annotations) })),

      metrics: async ({ filters }, ctx) =>
        MetricsResponse.fromPartial({ metrics: (await tasks.metrics(ctx, filters)).map(toMetricMessage) }),

      wait: async ({ containerId, execId }, ctx) => toWaitResponse(await tasks.wait(ctx, containerId, execId)),
    },
    { waits: ["wait"] },
  );
