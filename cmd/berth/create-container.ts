// Containers made as a whole: the record, and before it the snapshot of one that has an image.
// @source containerd cmd/ctr/commands/run/run_unix.go
import { withLease } from "../../api/client/remote-lease-store.js";
import { cleanupOf, removeSnapshot } from "../../api/client/run/remove.js";
import type { NewContainer } from "../../api/core/container.js";
import { LOG_LABEL } from "../../api/core/task-log.js";
import type { CommandContext } from "./command.js";
import { containerOf } from "./container-flags.js";
import type { ContainerFlags, Target } from "./container-request.js";
import type { CreatedContainer } from "./created-container.js";

/** A label in the record alone: the container itself has nothing to do with it. One that was given by hand stays. */
const withLog = (container: NewContainer, { log }: ContainerFlags): NewContainer =>
  log === undefined ? container : { ...container, labels: { [LOG_LABEL]: log, ...container.labels } };

/** Makes the container that flags and arguments describe. On failure nothing is left. */
export async function createContainer(
  context: CommandContext,
  flags: ContainerFlags,
  target: Target,
): Promise<CreatedContainer> {
  const { client, request, namespace } = context;
  if (target.kind !== "image") {
    const container = withLog(await containerOf(flags, namespace, target), flags);
    if (target.kind === "docker" || target.kind === "lxd") {
      const { requireOwnRuntime } = await import("../../api/client/run/own-runtime.js");
      await requireOwnRuntime(client, request, flags.runtime);
    }
    // Nothing that it refers to could be collected, so no lease.
    await client.containers.create(request, container);
    return { container, rootfs: [] };
  }
  const { containerOfImage } = await import("./image-container.js");
  return await withLease(client.leases, request, async (leased) => {
    const made = await containerOfImage({ ...context, request: leased }, flags, target);
    const created = { ...made, container: withLog(made.container, flags) };
    try {
      await client.containers.create(leased, created.container);
    } catch (error) {
      await removeSnapshot(client, cleanupOf(request), created.container).catch(() => undefined);
      throw error;
    }
    return created;
  });
}
