// containerd.v1.Containers over the store of containers.
// @source containerd services/containers/service.go at 539742881d
import type { Container, ContainerStore, ContainerUpdate } from "../../api/core/container.js";
import type { RequestContext } from "../../api/core/context.js";
import { isNotFound } from "../../api/core/errors.js";
import { defineService } from "../../api/core/handler.js";
import type { Tasks } from "../../api/core/task.js";
import {
  ContainersService,
  CreateContainerResponse,
  GetContainerResponse,
  ListContainersResponse,
  UpdateContainerResponse,
} from "../../api/gen/v2017/api/services/containers/containers.js";
import { Empty } from "../../api/gen/v2017/google/protobuf/empty.js";
import { cannotUpdate, fromContainer, toContainer, toPaths } from "./convert-container.js";
import { NO_CONTAINER, refuse, worded } from "./failures.js";
import { inNamespace } from "./namespace.js";
import { RUNTIME_NAME_PATH } from "./runtime-name.js";

/** A store whose records can be given another runtime. */
interface Containers extends Omit<ContainerStore, "update"> {
  updateWithRuntime(
    ctx: RequestContext,
    container: ContainerUpdate,
    paths: readonly [string, ...string[]],
  ): Promise<Container>;
}

export interface ContainersDeps {
  readonly containers: Containers;
  readonly tasks: Tasks;
  /** Of callers that name none. */
  readonly namespace: string;
  /** Whose keys the `rootfs` of containers are. */
  readonly snapshotter: string;
}

export function defineContainers({ containers, tasks, namespace, snapshotter }: ContainersDeps) {
  const at = (ctx: RequestContext) => inNamespace(ctx, namespace);

  /** Whether an update gives the record another runtime. A task stays with the runtime that it has, so there must be none. */
  async function changesRuntime(ctx: RequestContext, update: ContainerUpdate, paths: readonly string[]) {
    if (!paths.includes(RUNTIME_NAME_PATH)) return false;
    const { runtime } = await worded(containers.get(ctx, update.id), { not_found: NO_CONTAINER });
    if (update.runtime?.name === runtime.name) return false;
    if (await hasTask(tasks, ctx, update.id))
      refuse("failed_precondition", `${cannotUpdate("runtime")} of a container that has a task`);
    return true;
  }

  return defineService(ContainersService, {
    get: async ({ id }, ctx) => {
      const container = await worded(containers.get(at(ctx), id), { not_found: NO_CONTAINER });
      return GetContainerResponse.fromPartial({ container: toContainer(container) });
    },

    list: async ({ filter }, ctx) => {
      const found = await containers.list(at(ctx), filter === "" ? [] : [filter]);
      return ListContainersResponse.fromPartial({ containers: found.map(toContainer) });
    },

    create: async (request, ctx) => {
      const wanted = fromContainer(request.container, snapshotter);
      const container = await worded(containers.create(at(ctx), wanted), {
        already_exists: "container ID already exists",
      });
      return CreateContainerResponse.fromPartial({ container: toContainer(container) });
    },

    update: async ({ container, updateMask }, ctx) => {
      const paths = toPaths(updateMask);
      const wanted = fromContainer(container, snapshotter);
      const { runtime: _runtime, ...others } = wanted;
      const update = (await changesRuntime(at(ctx), wanted, paths)) ? wanted : others;
      const work = containers.updateWithRuntime(at(ctx), update, paths);
      const updated = await worded(work, { not_found: NO_CONTAINER });
      return UpdateContainerResponse.fromPartial({ container: toContainer(updated) });
    },

    delete: async ({ id }, ctx) => {
      await worded(containers.delete(at(ctx), id), { not_found: NO_CONTAINER });
      return Empty.fromPartial({});
    },
  });
}

async function hasTask(tasks: Tasks, ctx: RequestContext, id: string): Promise<boolean> {
  try {
    await tasks.get(ctx, id, "");
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
