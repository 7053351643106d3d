// The section [exits] of the config file, its duration as Go writes one.
import * as z from "zod";
import { parseDuration } from "../../api/core/duration.js";

const NS_PER_MS = 1_000_000;

/** To the settings' own names; bounds are the daemon's to apply. */
export const exitsSectionSchema = z
  .strictObject({
    max_age: z
      .string()
      .transform((text, context) => {
        const ns = parseDuration(text);
        if (ns !== undefined) return ns / NS_PER_MS;
        context.addIssue('must be a duration such as "720h"');
        return z.NEVER;
      })
      .optional(),
    max_records: z.int().optional(),
  })
  .transform((section) => ({ maxAgeMs: section.max_age, maxRecords: section.max_records }));
