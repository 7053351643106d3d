// The section [logs] of the config file.
import * as z from "zod";

/** To the settings' own names; bounds are the daemon's to apply. */
export const logsSectionSchema = z
  .strictObject({
    keep: z.enum(["labelled", "all", "none"]).optional(),
    max_size: z.int().optional(),
    max_segments: z.int().optional(),
  })
  .transform((section) => ({
    keep: section.keep,
    maxSizeBytes: section.max_size,
    maxSegments: section.max_segments,
  }));
