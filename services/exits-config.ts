// How long it is remembered how tasks ended, as the settings say.
import * as z from "zod";

const MONTH_MS = 30 * 24 * 3_600 * 1_000;

export const exitsConfigSchema = z.strictObject({
  maxAgeMs: z
    .number()
    .min(0)
    .default(MONTH_MS)
    .describe("age at which the record of an end is forgotten, in milliseconds"),
  maxRecords: z.int().min(0).max(10_000_000).default(10_000).describe("how many records of ends are kept"),
});

export type ExitsConfig = Readonly<z.output<typeof exitsConfigSchema>>;
