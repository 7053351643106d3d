// Specs of containers whose image only their engine knows: they say what differs from it, and leave everything else to the engine.
import { createSpec, type SpecOptions } from "./create-spec.js";
import type { Spec } from "./oci.js";

/** As for any container, less what the image decides or the runtime's options say. */
export type DockerSpecOptions = Omit<
  SpecOptions,
  "rootfs" | "args" | "baseEnv" | "user" | "netHost" | "rootfsPropagation"
> & {
  /** Default: the image's entrypoint and command. */
  readonly args?: readonly string[] | undefined;
};

/**
 * The spec, for the runtime's option `imageDefaults`. Without a `cwd` or `env` they are the image's; in `env` a `KEY` alone takes the
 * image's away. The user is the default one until {@link leaveUser} takes it away.
 * @throws invalid_argument for options that make no sense here.
 */
export function createDockerSpec({ args = [], env = [], ...options }: DockerSpecOptions): Spec {
  const spec = createSpec({ ...options, args, rootfs: "rootfs" });
  spec.process.env = distinct(env);
  spec.process.cwd = options.cwd ?? "";
  return spec;
}

/** The spec without its user, unless somebody has changed that: it is the image's then. */
export function leaveUser(spec: object): object {
  const process: unknown = Reflect.get(spec, "process");
  if (typeof process !== "object" || process === null) return spec;
  const members = Object.entries(process);
  const isDefault = members.some(([name, value]) => name === "user" && JSON.stringify(value) === DEFAULT_USER);
  if (!isDefault) return spec;
  return { ...spec, process: Object.fromEntries(members.filter(([name]) => name !== "user")) };
}

const DEFAULT_USER = JSON.stringify({ uid: 0, gid: 0 });

/** The last entry of each key. */
function distinct(env: readonly string[]): string[] {
  return [...new Map(env.map((entry) => [entry.split("=", 1)[0], entry])).values()];
}
