// Displays of what goes on: stats and top. On a terminal each frame is drawn over the one before; elsewhere they follow each other.
import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { isUnavailable } from "../../api/core/errors.js";
import type { CommandContext } from "./command.js";
import { parseDuration } from "./flags.js";
import type { Output } from "./output.js";

const DEFAULT_INTERVAL_MS = 2_000;
/** Rates need two looks: what is shown once is measured over this time. */
const MEASURE_MS = 1_000;
/** And the first frame of a display comes after this one. */
const FIRST_MEASURE_MS = 250;

export interface LiveFlags {
  /** Commander's: false with `--no-stream`. */
  stream: boolean;
  /** Milliseconds. */
  interval: number;
}

export function addLiveOptions(command: Command): void {
  command
    .option("--no-stream", "show it once, measured over a second")
    .option("--interval <duration>", "between two looks", parseDuration, DEFAULT_INTERVAL_MS);
}

/** How much of it can be seen; endless where it is not drawn in place. */
export interface Room {
  readonly rows: number;
}

/**
 * Looks, and shows what was seen, until it is interrupted or its reader leaves. A daemon that is away for a while is waited for.
 * @param look takes a sample. @param show prints the last one, with what changed since the one before.
 */
export async function live(
  context: CommandContext,
  flags: LiveFlags,
  look: () => Promise<void>,
  show: (output: Output, room: Room) => void,
): Promise<void> {
  const { output, request } = context;
  const pause = (ms: number): Promise<void> => delay(ms, undefined, { signal: request.signal });
  await look();
  if (!flags.stream) {
    await pause(MEASURE_MS);
    await look();
    show(output, { rows: Number.POSITIVE_INFINITY });
    return;
  }
  using screen = output.screen();
  output.endWithReader();
  for (let waitMs = Math.min(flags.interval, FIRST_MEASURE_MS), isFirst = true; ; waitMs = flags.interval) {
    await pause(waitMs);
    let text = "";
    try {
      await look();
      const piece = output.redirected((more) => {
        text += more;
      });
      show(piece, { rows: screen.size.rows - 1 });
    } catch (error) {
      if (!isUnavailable(error) || !screen.isLive) throw error;
      text = `berth: ${error instanceof Error ? error.message : String(error)}\n`;
    }
    if (!isFirst && !screen.isLive && output.isTable) output.line("");
    if (text !== "") screen.draw(text.replace(/\n$/, "").split("\n"));
    isFirst = false;
  }
}
