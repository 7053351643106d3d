// What the daemon tells the log process of a log, beside the client's stdio.
import * as z from "zod";

export const logTargetSchema = z.strictObject({
  /** Where its segments lie. */
  logFolder: z.string().startsWith("/"),
  /** Where its pipes and spools lie. */
  stateFolder: z.string().startsWith("/"),
  attempt: z.int().positive(),
  maxSizeBytes: z.int().positive(),
  maxSegments: z.int().positive(),
  pipes: z.array(z.strictObject({ stream: z.enum(["stdout", "stderr"]), path: z.string().startsWith("/") })),
});

export type LogTarget = z.infer<typeof logTargetSchema>;
