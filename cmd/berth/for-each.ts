// Commands that take many ids: each is tried, each failure is told, and the first one decides the exit status.
import type { CommandContext } from "./command.js";
import { exitStatus, Reported } from "./exit-status.js";

/** @throws Reported when one failed. */
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
      output.warn(error instanceof Error ? error.message : String(error));
      failure ??= new Reported(exitStatus(error));
    }
  }
  if (failure !== undefined) throw failure;
}
