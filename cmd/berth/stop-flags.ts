// The flags of commands that stop tasks, and what they mean for one container.
import { type Command, InvalidArgumentError } from "commander";
import type { StopOptions } from "../../api/client/run/stop-task.js";
import type { Container } from "../../api/core/container.js";
import type { RequestContext } from "../../api/core/context.js";
import { parseDuration } from "./flags.js";
import { parseSignal } from "./signals.js";
import { stopSignalOf, type TaskStates } from "./stop-signal.js";

const DEFAULT_GRACE_MS = 10_000;

export interface StopFlags {
  signal?: string;
  time: number;
  discard?: boolean;
}

export function addStopOptions(command: Command): void {
  command
    .option("-s, --signal <signal>", "by name or number (default: the image's stop signal, else SIGTERM)")
    .option(
      "-t, --time <duration>",
      "how long it has before SIGKILL, for example 30s or 30; -1 for as long as it takes",
      parseGrace,
      DEFAULT_GRACE_MS,
    )
    .option("--discard", "on Docker and LXD: what the task has written goes with it");
}

/** Milliseconds; bare numbers are seconds, and less than 0 is without end. */
export function parseGrace(text: string): number {
  if (/^-\d+$/.test(text)) return Number.POSITIVE_INFINITY;
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  try {
    return parseDuration(text);
  } catch {
    throw new InvalidArgumentError("It is neither a duration such as 30s nor a number of seconds.");
  }
}

export async function stopOptionsOf(
  { client, request }: { readonly client: TaskStates; readonly request: RequestContext },
  flags: StopFlags,
  container: Container,
): Promise<StopOptions> {
  const signal = flags.signal ?? (await stopSignalOf(client, request, container));
  return { signal: parseSignal(signal), graceMs: flags.time };
}
