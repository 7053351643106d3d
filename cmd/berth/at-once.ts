// Commands whose work for each id takes its time: all are worked on side by side, each failure is told, and the first one decides the
// exit status.
import { errorKind } from "../../api/core/errors.js";
import type { CommandContext } from "./command.js";
import { exitStatus, Reported } from "./exit-status.js";

/** @throws Reported when one of several failed, once all are done. */
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
        if (errorKind(error) === "cancelled") return new Reported(exitStatus(error));
        // Of one alone main tells.
        if (ids.length === 1) throw error;
        output.problem(error);
        return new Reported(exitStatus(error), error);
      }
    }),
  );
  const failure = failures.find((one) => one !== undefined);
  if (failure !== undefined) throw failure;
}
