// What a Docker engine leaves out of a container that it makes all the same.
import type { HostConfig } from "./part.js";

/** In the warnings of an engine whose kernel has no such limit. */
const DISCARDED = /discarded/i;
/** By the options of a container, the names under which an engine tells that it has them at all. */
const SECURITY = new Map([
  ["apparmor=", "apparmor"],
  ["label=", "selinux"],
  ["seccomp=", "seccomp"],
]);

/** What of the body of a create needs the engine's own word: asked only then. */
export const securityNeeds = ({ SecurityOpt }: HostConfig): readonly string[] =>
  [...SECURITY]
    .filter(([option]) => securityOptions(SecurityOpt).some((given) => given.startsWith(option)))
    .map(([, name]) => name);

const securityOptions = (options: unknown): string[] =>
  Array.isArray(options) ? options.filter((option) => typeof option === "string") : [];

/**
 * @param needs what `securityNeeds` says.
 * @param engineOptions `SecurityOptions` of the engine's info: `name=seccomp,profile=default`.
 * @param warnings of the answer to the create.
 * @returns what was asked for and is not kept, in words.
 */
export function notKept(
  needs: readonly string[],
  engineOptions: readonly string[],
  warnings: readonly string[],
): readonly string[] {
  const has = engineOptions.map((option) => /^name=([^,]+)/.exec(option)?.[1] ?? option);
  return [
    ...needs.filter((name) => !has.includes(name)).map((name) => `${name} (this engine has none)`),
    ...warnings.filter((warning) => DISCARDED.test(warning)),
  ];
}
