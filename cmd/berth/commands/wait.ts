// berth wait: stays until tasks have ended, and prints how.
import { persist } from "../../../api/client/run/persist.js";
import { isNotFound } from "../../../api/core/errors.js";
import type { ExitRecord } from "../../../api/core/exit-record.js";
import { formatTime } from "../../../api/core/time.js";
import { allAtOnce } from "../at-once.js";
import { type CommandContext, defineCommand } from "../command.js";
import { lastExits } from "../daily/last-exits.js";
import { showWaiting } from "../progress/waiting.js";

export const command = defineCommand({
  arguments: "<containers...>",
  completes: ["task"],
  examples: [
    { line: "berth wait web", does: "prints the exit status once it has ended" },
    { line: "berth wait --format json web db", does: "of two, as JSON" },
  ],
  lists: "document",
  help: `Prints the exit status of each task, a line each in the order in which they end; with more than one its id stands before it. berth
itself exits with 0. The wait goes on through a restart of the daemon. Of a container that has no task berthd remembers how the last one
ended.`,
  run: async (context, ids) => {
    const { output } = context;
    output.endWithReader();
    await allAtOnce(context, ids, async (id) => {
      const { exitStatus, exitedAtNs } = await showWaiting(`waiting for ${id}`, endOf(context, id));
      const exitedAt = exitedAtNs === undefined ? undefined : formatTime(exitedAtNs);
      const status = String(exitStatus ?? "unknown");
      output.record(
        () => ({ id, exitStatus: exitStatus ?? null, exitedAt }),
        () => (ids.length > 1 ? `${id} ${status}` : status),
      );
    });
  },
});

/** Of a container without a task, how its last one ended. @throws not_found when it has none, and never had that anybody knows. */
async function endOf({ client, request }: CommandContext, id: string): Promise<LastEnd> {
  try {
    return await persist(client, () => client.tasks.wait(request, id, ""));
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const container = await client.containers.get(request, id);
    const exit = (await lastExits(client, request, [container]))?.get(id);
    if (exit === undefined) throw error;
    return exit;
  }
}

type LastEnd = Pick<ExitRecord, "exitStatus" | "exitedAtNs">;
