// berth containers rm: records, and what is left of their stopped tasks.
// @source containerd cmd/ctr/commands/containers/containers.go
import { removeFifos } from "../../../../api/client/io/fifos.js";
import { removeContainer } from "../../../../api/client/run/remove.js";
import { errorOf, isNotFound } from "../../../../api/core/errors.js";
import { releaseNetworksOf } from "../../cni/release.js";
import { type CommandContext, defineCommand } from "../../command.js";
import { forEach } from "../../for-each.js";
import { showWaiting } from "../../progress/waiting.js";

export const command = defineCommand<{ keepSnapshot?: boolean }>({
  arguments: "<containers...>",
  completes: ["container"],
  examples: [
    { line: "berth containers rm web db", does: "removes two containers with their snapshots" },
    { line: "berth containers rm --keep-snapshot web", does: "leaves the snapshot alone" },
  ],
  options: (command) => {
    command.option("--keep-snapshot", "leave its snapshot alone");
  },
  run: async (context, ids, flags) =>
    await forEach(context, ids, (id) =>
      showWaiting(`removing ${id}`, remove(context, id, flags.keepSnapshot === true)),
    ),
});

async function remove(
  { client, request, namespace }: CommandContext,
  id: string,
  keepSnapshot: boolean,
): Promise<void> {
  const container = await client.containers.get(request, id);
  const task = await client.tasks.get(request, id, "").catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  if (task !== undefined) {
    if (task.status !== "stopped" && task.status !== "created") {
      throw errorOf("failed_precondition", `cannot delete a non stopped container: ${id} is ${task.status}`);
    }
    await client.tasks.delete(request, id);
    await removeFifos(task);
  }
  await releaseNetworksOf(namespace, id);
  if (keepSnapshot) await client.containers.delete(request, id);
  else await removeContainer(client, request, container);
}
