// berth containers rm: records, and what is left of their stopped tasks.
// @source containerd cmd/ctr/commands/containers/containers.go
import { removeFifos } from "../../../../api/client/io/fifos.js";
import { errorOf, isNotFound } from "../../../../api/core/errors.js";
import { type CommandContext, defineCommand } from "../../command.js";
import { forEach } from "../../for-each.js";

export const command = defineCommand<{ keepSnapshot?: boolean }>({
  arguments: "<containers...>",
  options: (command) => {
    command.option("--keep-snapshot", "leave the snapshot alone; a container that has none does not mind");
  },
  run: async (context, ids) => await forEach(context, ids, (id) => remove(context, id)),
});

async function remove({ client, request }: CommandContext, id: string): Promise<void> {
  await client.containers.get(request, id);
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
  await client.containers.delete(request, id);
}
