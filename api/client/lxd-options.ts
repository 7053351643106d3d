// The options of the LXD runtime, as a container's record or a task's creation carry them; see docs/lxd.md.
import { type Any, anyOfJson } from "../core/typeurl.js";

/** The runtime whose tasks are system containers of LXD. */
export const LXD_RUNTIME = "io.berth.lxd.v1";

/** Type url of its options, which are JSON. */
export const LXD_OPTIONS_TYPE = "io.berth.lxd.v1.Options";

/** An image: of LXD's store, of a simplestreams server, or of archives in LXD's form, whose paths are the daemon's. */
export type LxdImageSource =
  | { readonly alias: string }
  | { readonly fingerprint: string }
  | { readonly server: string; readonly alias: string }
  | { readonly rootfs: string; readonly metadata: string }
  | { readonly unified: string };

/** What an OCI spec has no words for. All optional. */
export interface LxdOptions {
  /** Default: the alias that the record has as its image. */
  readonly image?: LxdImageSource | undefined;
  /** An instance that is there already, which the task starts and stops and otherwise leaves as it is. Not together with the others. */
  readonly instance?: string | undefined;
  /** Of the instance at LXD. Default: one made of namespace and id. */
  readonly name?: string | undefined;
  /** LXD's own settings of the instance, such as `limits.memory`. */
  readonly config?: Readonly<Record<string, string>> | undefined;
  /** Devices by their names, as LXD has them. */
  readonly devices?: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined;
  /** Default: `default`. */
  readonly profiles?: readonly string[] | undefined;
  /** What runs as process 1, with its arguments. Default: the init that the image brings. */
  readonly init?: readonly string[] | undefined;
}

/** The options as a record or a task's creation carries them. The daemon checks them. */
export function lxdOptions(options: LxdOptions): Any {
  return anyOfJson(LXD_OPTIONS_TYPE, options);
}
