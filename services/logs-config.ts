// Which tasks' output is kept, and how much of it, as the settings say.
import * as z from "zod";

export const logsConfigSchema = z.strictObject({
  keep: z
    .enum(["labelled", "all", "none"])
    .default("labelled")
    .describe(
      "whose output is kept: of containers with the label berth.io/log=keep, of all without berth.io/log=none, of none",
    ),
  maxSizeBytes: z
    .int()
    .min(4096)
    .max(2 ** 40)
    .default(16 * 1024 * 1024)
    .describe("size of a segment of a log, beyond which the next one begins"),
  maxSegments: z.int().min(1).max(100).default(5).describe("how many segments of that size are kept of a container"),
});

export type LogsConfig = Readonly<z.output<typeof logsConfigSchema>>;
