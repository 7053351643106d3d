// The options of the LXD runtime: what the system container is made of and what LXD is told of it beside, or an instance that is there.
import { isAbsolute } from "node:path";
import * as z from "zod";
import { invalidArgument } from "../../../api/core/errors.js";
import type { Any } from "../../../api/core/typeurl.js";
import { parseJsonOptions } from "../../json-options.js";

/** The options as JSON. */
export const LXD_OPTIONS_TYPE = "io.berth.lxd.v1.Options";

const text = z.string().min(1);
const settings = z.record(z.string(), z.string());
const archive = z.string().refine(isAbsolute, "must be an absolute path");
/** LXD's own rules for the names of instances, which are those of hosts. */
const hostName = z
  .string()
  .max(63)
  .regex(/^(?!\d+$)[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$/, "no name of an LXD instance");

/** What only a container of the task's own can have. */
const OWN = ["image", "name", "config", "devices", "profiles", "init"] as const;

const optionsSchema = z
  .strictObject({
    /**
     * Of LXD's own store by alias or fingerprint; of a simplestreams server; of archives in LXD's form, a path each, which LXD keeps in
     * its store from then on. Default: the alias that the container's record names as its image.
     */
    image: z
      .union([
        z.strictObject({ alias: text }),
        z.strictObject({ fingerprint: z.string().regex(/^[0-9a-f]{12,64}$/, "no fingerprint of an image") }),
        z.strictObject({ server: z.url({ protocol: /^https$/ }), alias: text }),
        z.strictObject({ rootfs: archive, metadata: archive }),
        z.strictObject({ unified: archive }),
      ])
      .optional(),
    /**
     * An instance that is there already, by its name: the task is its run. It is started and stopped, and otherwise left as it is:
     * neither made, nor changed, nor deleted with the task. Not together with any other option.
     */
    instance: hostName.optional(),
    /** Of the instance at LXD. Default: one made of namespace and id. */
    name: hostName.optional(),
    /** LXD's own settings of the instance, such as `limits.memory`. */
    config: settings.optional(),
    /** Devices by their names, as LXD has them. */
    devices: z.record(text, settings).optional(),
    /** Default: `default`. */
    profiles: z.array(text).optional(),
    /** What runs as process 1, with its arguments, in the place of the init that the image brings. */
    init: z.array(z.string()).min(1).optional(),
  })
  .superRefine((options, context) => {
    if (options.instance === undefined) return;
    const given = OWN.filter((name) => options[name] !== undefined);
    if (given.length > 0) context.addIssue(`instance: not together with ${given.join(", ")}`);
  });

export type LxdOptions = z.infer<typeof optionsSchema>;
/** What a container of the task's own is made of. */
export type LxdImageOption = NonNullable<LxdOptions["image"]>;

/** None, and empty ones of runc's type, which clients send without being asked, are the defaults. @throws invalid_argument. */
export const parseLxdOptions = (options: Any | undefined): LxdOptions =>
  parseJsonOptions(options, LXD_OPTIONS_TYPE, optionsSchema);

/** What the options say, else the alias that the record has as its image. @throws invalid_argument for neither. */
export function imageOf(options: LxdOptions, recordImage: string): LxdImageOption {
  if (options.image !== undefined) return options.image;
  if (recordImage !== "") return { alias: recordImage };
  throw invalidArgument("an LXD container needs an image: an alias in the record, or one in the runtime options");
}
