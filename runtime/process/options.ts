// The options of the process runtime: what is to be done with a spec that asks for isolation.
import * as z from "zod";
import type { Any } from "../../api/core/typeurl.js";
import { parseJsonOptions } from "../json-options.js";

/** The options as JSON. */
export const PROCESS_OPTIONS_TYPE = "io.berth.process.v1.Options";

const optionsSchema = z.strictObject({
  /** `ignore`: what only an isolating runtime can do is left undone. `refuse`, the default: no such task is made. */
  isolation: z.enum(["refuse", "ignore"]).default("refuse"),
});

export type ProcessOptions = z.infer<typeof optionsSchema>;

/** None, and empty ones of runc's type, which clients send without being asked, are the defaults. @throws invalid_argument. */
export const parseOptions = (options: Any | undefined): ProcessOptions =>
  parseJsonOptions(options, PROCESS_OPTIONS_TYPE, optionsSchema);
