// The options of the LXD runtime: what the container is made of, and what LXD is told of it beside.
import * as z from "zod";
import type { Any } from "../../../api/core/typeurl.js";
import { parseJsonOptions } from "../../json-options.js";

/** The options as JSON. */
export const LXD_OPTIONS_TYPE = "io.berth.lxd.v1.Options";

const text = z.string().min(1);
const settings = z.record(z.string(), z.string());

const optionsSchema = z.strictObject({
  /** Of LXD's own store by alias or fingerprint, or of a simplestreams server. Required. */
  image: z.union([
    z.strictObject({ alias: text }),
    z.strictObject({ fingerprint: text }),
    z.strictObject({ server: z.url({ protocol: /^https$/ }), alias: text }),
  ]),
  /** LXD's own settings of the instance, such as `limits.memory`. */
  config: settings.default({}),
  /** Devices by their names, as LXD has them. */
  devices: z.record(z.string(), settings).default({}),
  profiles: z.array(text).default(["default"]),
});

export type LxdOptions = z.infer<typeof optionsSchema>;

/** @throws invalid_argument, also for none: nothing else names an image of LXD. */
export const parseLxdOptions = (options: Any | undefined): LxdOptions =>
  parseJsonOptions(options, LXD_OPTIONS_TYPE, optionsSchema);
