// Commands that take many ids: each is tried, each failure is told, and the first one decides the exit status.
import type { CommandContext } from "./command.js";
import { exitStatus, Reported } from "./exit-status.js";

/** @throws Reported when one of several failed. */
export async function forEach(
  { output }: CommandContext,
  ids: readonly string[],
  work: (id: string) => Promise<void>,
): Promise<void> {
  let failure: Reported | undefined;
  for (const id of ids) {
    try {
      await work(id);
    } catch (error) {
      // Of one alone main tells.
      if (ids.length === 1) throw error;
      output.problem(error);
      failure ??= new Reported(exitStatus(error), error);
    }
  }
  if (failure !== undefined) throw failure;
}
