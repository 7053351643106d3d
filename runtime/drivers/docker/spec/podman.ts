// What Podman makes otherwise than it is asked to through Docker's API, without a word.
import type { ContainerBody } from "../../../docker/container-body.js";
import { DEFAULT_MASKED_PATHS, DEFAULT_READONLY_PATHS, sameMembers } from "./defaults.js";

const ROOT = /^(0|root)?(:|$)/;

/** Whether it is worth asking who the engine is. */
export const dependsOnEngine = (asked: ContainerBody): boolean => podmanChanges(asked, "nobody").length > 0;

/** What is not kept. @param user of the container, by itself or by its image. */
export function podmanChanges({ HostConfig: asked = {} }: ContainerBody, user: string): readonly string[] {
  const { CapAdd, MaskedPaths, ReadonlyPaths } = asked;
  const isUsual = (paths: string[] | undefined, usual: readonly string[]) =>
    paths === undefined || sameMembers(paths, usual);
  return [
    // They would be effective, which at Docker and runc only root's are.
    ...(Array.isArray(CapAdd) && CapAdd.length > 0 && !ROOT.test(user)
      ? ["process.capabilities (more than the default ones, for another user than root)"]
      : []),
    ...(isUsual(MaskedPaths, DEFAULT_MASKED_PATHS) ? [] : ["linux.maskedPaths"]),
    ...(isUsual(ReadonlyPaths, DEFAULT_READONLY_PATHS) ? [] : ["linux.readonlyPaths"]),
  ];
}
