// When the collector runs, as the settings say it: containerd's keys, with its defaults and bounds.
// @source containerd plugins/gc/scheduler.go
import * as z from "zod";

/** Half of the time is the most that writers may be kept out. */
const MAX_PAUSE_THRESHOLD = 0.5;
/** What Node's timers can wait for. */
const MAX_DELAY_MS = 2 ** 31 - 1;

const count = z.int().transform((value) => Math.max(0, value));
const delayMs = z.number().transform((value) => Math.min(MAX_DELAY_MS, Math.max(0, value)));

/** Values out of bounds are moved into them, as containerd does; what is no number is refused. */
export const collectorConfigSchema = z.strictObject({
  pauseThreshold: z
    .number()
    .transform((value) => Math.min(MAX_PAUSE_THRESHOLD, Math.max(0, value)))
    .default(0.02)
    .describe("share of time for which runs may keep writers out; at most 0.5"),
  deletionThreshold: count.default(0).describe("so many deletions cause a run at once; 0: never by their number"),
  mutationThreshold: count.default(100).describe("so many changes make the next tick run; 0: off"),
  scheduleDelayMs: delayMs.default(0).describe("milliseconds between what causes a run and the run"),
  startupDelayMs: delayMs.default(100).describe("milliseconds until the first run; 0: none"),
});

export type CollectorConfig = Readonly<z.output<typeof collectorConfigSchema>>;
