// `--watch`: what a command prints, again and again. On a terminal each look is drawn over the one before; elsewhere they follow each other.
import { setTimeout as delay } from "node:timers/promises";
import type { RequestContext } from "../../api/core/context.js";
import { isUnavailable } from "../../api/core/errors.js";
import type { Output } from "./output.js";

interface Watched {
  readonly output: Output;
  readonly request: RequestContext;
}

/** Runs until it is interrupted, its reader leaves, or a look fails; a daemon that is away for a while is waited for. */
export async function watching<Context extends Watched>(
  context: Context,
  intervalMs: number,
  run: (context: Context) => Promise<number>,
): Promise<never> {
  const { output } = context;
  using screen = output.screen();
  output.endWithReader();
  for (let look = 0; ; look += 1) {
    let text = "";
    const redirected = output.redirected((piece) => {
      text += piece;
    });
    try {
      await run({ ...context, output: redirected });
    } catch (error) {
      if (look === 0 || !isUnavailable(error) || !screen.isLive) throw error;
      text = `berth: ${error instanceof Error ? error.message : String(error)}\n`;
    }
    if (look > 0 && !screen.isLive && output.isTable) output.line("");
    screen.draw(text.replace(/\n$/, "").split("\n"));
    await delay(intervalMs, undefined, { signal: context.request.signal });
  }
}
