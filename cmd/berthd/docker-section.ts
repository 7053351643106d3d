// The section [docker] of the config file: the engine for tasks that are containers of Docker.
import * as z from "zod";

/** To the setting of its only key, "" for none; what it means is the daemon's to check. */
export const dockerSectionSchema = z
  .strictObject({ host: z.string().optional() })
  .transform((section): string | undefined => section.host || undefined);
