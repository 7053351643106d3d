// Where what a task has written lies: with the container, as a rule, but with the task where an engine makes both at once.
import { DOCKER_RUNTIME } from "../../api/client/docker-options.js";
import { LXD_RUNTIME } from "../../api/client/lxd-options.js";
import type { Container } from "../../api/core/container.js";

/** Whether the deletion of its task takes the root file system along: that of a container of Docker's, or of an LXD instance that the task made. */
export function filesGoWithTask({ runtime }: Pick<Container, "runtime">): boolean {
  if (runtime.name === LXD_RUNTIME) return !adoptsInstance(runtime.options?.value.toString());
  return runtime.name === DOCKER_RUNTIME;
}

/** An instance that was there before outlives its task. */
function adoptsInstance(options: string | undefined): boolean {
  try {
    const parsed: unknown = JSON.parse(options ?? "null");
    return typeof parsed === "object" && parsed !== null && "instance" in parsed && typeof parsed.instance === "string";
  } catch {
    return false;
  }
}
