// The section [lxd] of the config file: the LXD for tasks that are system containers.
import * as z from "zod";

/** To the setting of its only key, "" for none; what it means is the daemon's to check. */
export const lxdSectionSchema = z
  .strictObject({ socket: z.string().optional() })
  .transform((section): string | undefined => section.socket || undefined);
