// berth tasks rm: what is left of stopped tasks, or with --force the task itself.
// @source containerd cmd/ctr/commands/tasks/delete.go, client/task.go
import { constants } from "node:os";
import { removeFifos } from "../../../../api/client/io/fifos.js";
import { errorOf, isNotFound } from "../../../../api/core/errors.js";
import { releaseNetworksOf } from "../../cni/release.js";
import { type CommandContext, defineCommand } from "../../command.js";
import { UsageError } from "../../exit-status.js";
import { forEach } from "../../for-each.js";
import { showWaiting } from "../../progress/waiting.js";

interface RmFlags {
  force?: boolean;
  execId?: string;
}

export const command = defineCommand<RmFlags>({
  arguments: "<containers...>",
  completes: ["task"],
  examples: [
    { line: "berth tasks rm web", does: "what is left of a task that has ended" },
    { line: "berth tasks rm --force web db", does: "ends them first" },
  ],
  options: (command) => {
    command
      .option("-f, --force", "kill it first")
      .option("--exec-id <id>", "only this process; berth exits with its status");
  },
  run: async (context, ids, flags) => {
    const { execId } = flags;
    if (execId === undefined) {
      return await forEach(context, ids, async (id) => {
        const status = await showWaiting(`removing ${id}`, remove(context, id, "", flags.force === true));
        if (status !== 0) context.output.warn(`task ${id} exit with non-zero exit code ${status}`);
      });
    }
    const [id = "", ...more] = ids;
    if (more.length > 0) throw new UsageError("--exec-id goes with one container");
    return await remove(context, id, execId, flags.force === true);
  },
});

async function remove(
  { client, request, namespace }: CommandContext,
  id: string,
  execId: string,
  force: boolean,
): Promise<number> {
  const { tasks } = client;
  const state = await tasks.get(request, id, execId);
  if (force && state.status !== "stopped") {
    const exited = tasks.wait(request, id, execId);
    await tasks
      .kill(request, id, execId, { signal: constants.signals.SIGKILL, all: execId === "" })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    await exited;
  } else if (state.status === "running" || state.status === "paused" || state.status === "pausing") {
    const what = execId === "" ? "task" : "process";
    throw errorOf("failed_precondition", `${what} must be stopped before deletion: ${state.status}`);
  }
  const exit = execId === "" ? await tasks.delete(request, id) : await tasks.deleteProcess(request, id, execId);
  await removeFifos(state);
  if (execId === "") await releaseNetworksOf(namespace, id);
  return exit.exitStatus;
}
