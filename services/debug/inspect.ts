// A conversation with the inspector of this process: commands by name, and the pieces of a trace as they come.
import { setTimeout as delay } from "node:timers/promises";
import { failedPrecondition } from "../../api/core/errors.js";

export interface Inspection extends Disposable {
  /** @throws failed_precondition with the inspector's words. */
  post(method: string, params?: object): Promise<Readonly<Record<string, unknown>>>;
  /** What is traced in that time, in portions. One trace at a time. */
  trace(traceConfig: object, durationMs: number, signal: AbortSignal | undefined): AsyncIterable<readonly unknown[]>;
}

/** Opens one; disposing it ends whatever it has started. */
export async function inspect(): Promise<Inspection> {
  const { Session } = await import("node:inspector");
  const session = new Session();
  session.connect();
  const post: Inspection["post"] = (method, params = {}) =>
    new Promise((resolve, reject) => {
      session.post(method, params, (error, result) => {
        // An error of the inspector is a plain object.
        if (error !== null) reject(failedPrecondition(`${method}: ${error.message}`));
        else resolve({ ...result });
      });
    });
  return {
    post,
    async *trace(traceConfig, durationMs, signal) {
      const portions: (readonly unknown[])[] = [];
      session.on("NodeTracing.dataCollected", ({ params }) => portions.push(params.value));
      const complete = new Promise<void>((resolve) => session.once("NodeTracing.tracingComplete", () => resolve()));
      await post("NodeTracing.start", { traceConfig });
      try {
        await delay(durationMs, undefined, { signal });
      } finally {
        await post("NodeTracing.stop");
      }
      await complete;
      yield* portions;
    },
    [Symbol.dispose]: () => session.disconnect(),
  };
}
