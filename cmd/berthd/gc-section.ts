// The section [gc] of the config file: containerd's keys of its gc scheduler, durations as Go writes them.
// @source containerd plugins/gc/scheduler.go
import * as z from "zod";
import { parseDuration } from "../../api/core/duration.js";

const NS_PER_MS = 1_000_000;

/** `0ms`, `1.5s`, `1h30m`. */
const duration = z.string().transform((text, context) => {
  const ns = parseDuration(text);
  if (ns !== undefined) return ns / NS_PER_MS;
  context.addIssue('must be a duration such as "100ms"');
  return z.NEVER;
});

/** To the settings' own names; bounds are the daemon's to apply. */
export const gcSectionSchema = z
  .strictObject({
    pause_threshold: z.number().optional(),
    deletion_threshold: z.int().optional(),
    mutation_threshold: z.int().optional(),
    schedule_delay: duration.optional(),
    startup_delay: duration.optional(),
  })
  .transform((section) => ({
    pauseThreshold: section.pause_threshold,
    deletionThreshold: section.deletion_threshold,
    mutationThreshold: section.mutation_threshold,
    scheduleDelayMs: section.schedule_delay,
    startupDelayMs: section.startup_delay,
  }));
