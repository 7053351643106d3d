// Commands whose work for each id takes its time: all are worked on side by side, each failure is told, and the first one decides the
// exit status.
import { errorKind } from "../../api/core/errors.js";
import type { CommandContext } from "./command.js";
import { exitStatus, Reported } from "./exit-status.js";

/** @throws Reported when one failed, once all are done. */
export async function allAtOnce(
  { output }: CommandContext,
  ids: readonly string[],
  work: (id: string) => Promise<void>,
): Promise<void> {
  const failures = await Promise.all(
    [...new Set(ids)].map(async (id) => {
      try {
        await work(id);
        return undefined;
      } catch (error) {
        // Whoever interrupted it knows.
        if (errorKind(error) !== "cancelled") output.warn(error instanceof Error ? error.message : String(error));
        return new Reported(exitStatus(error));
      }
    }),
  );
  const failure = failures.find((one) => one !== undefined);
  if (failure !== undefined) throw failure;
}
