// What LXD tells while one listens. Nothing is told again, so whoever opens the stream looks at what is there once it is open.
import * as z from "zod";
import { withQuery } from "./path.js";
import { operationSchema } from "./replies.js";
import type { CallOptions, LxdServer } from "./server.js";
import { openWebSocket } from "./websocket.js";

const lifecycleSchema = z.object({
  /** `instance-stopped`, `instance-shutdown`, `instance-renamed`, … as LXD names them. */
  action: z.string(),
  /** Path of what it happened to: `/1.0/instances/web`. */
  source: z.string(),
  context: z.record(z.string(), z.unknown()).nullable().default(null),
});

const eventSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("operation"), timestamp: z.string(), metadata: operationSchema }),
  z.object({ type: z.literal("lifecycle"), timestamp: z.string(), metadata: lifecycleSchema }),
]);

export type LxdEvent = z.infer<typeof eventSchema>;

/** Disposing closes it. */
export interface LxdEvents extends Disposable {
  /** Until LXD ends it. May be taken once. @throws unavailable when the connection breaks. */
  read(): AsyncGenerator<LxdEvent>;
}

/** Resolves when everything from then on will be told. @throws as `LxdServer.ask`. */
export async function openEvents(
  server: LxdServer,
  types: readonly LxdEvent["type"][],
  options?: CallOptions,
): Promise<LxdEvents> {
  const path = withQuery("/1.0/events", { type: types.join(",") });
  const socket = await openWebSocket(server, "follow events", path, { ...options, answersPings: true });
  return {
    async *read() {
      for await (const { data } of socket.messages()) {
        // LXD's newer kinds are no news here.
        const event = eventSchema.safeParse(JSON.parse(data.toString()));
        if (event.success) yield event.data;
      }
    },
    [Symbol.dispose]: () => socket[Symbol.dispose](),
  };
}
