// The envelope in which LXD answers: something at once, an operation that goes on, or a refusal.
import * as z from "zod";

/** Statuses of operations and of instances share a row of numbers; those below 200 are on the way. */
export const STATUS = { running: 103, stopped: 102, frozen: 110, success: 200, failure: 400, cancelled: 401 } as const;

export const operationSchema = z.object({
  id: z.string(),
  class: z.string(),
  description: z.string(),
  status: z.string(),
  status_code: z.number(),
  may_cancel: z.boolean(),
  /** Empty unless it failed. */
  err: z.string(),
  metadata: z.record(z.string(), z.unknown()).nullable().default(null),
  resources: z.record(z.string(), z.array(z.string())).nullable().default(null),
});

/** Work that goes on in LXD, as it was told last. */
export type Operation = z.infer<typeof operationSchema>;

export const replySchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("sync"), metadata: z.unknown() }),
  z.object({ type: z.literal("async"), operation: z.string(), metadata: operationSchema }),
  z.object({ type: z.literal("error"), error: z.string(), error_code: z.number() }),
]);

export type Reply = z.infer<typeof replySchema>;
