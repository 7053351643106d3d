// The news of an image that a task on Docker waits for, on stderr as those of a pull: stdout is the process's.
import { DOCKER_RUNTIME } from "../../api/client/docker-options.js";
import type { Container } from "../../api/core/container.js";
import type { CommandContext } from "./command.js";
import type { ProgressDisplay } from "./progress/show-progress.js";

/** Creates a task, and shows what the daemon tells of its image. Nothing is written when it tells nothing. */
export async function showingDockerPull<T>(
  { client, namespace }: Pick<CommandContext, "client" | "namespace">,
  { id, image = "", runtime }: Pick<Container, "id"> & Partial<Pick<Container, "image" | "runtime">>,
  create: () => Promise<T>,
): Promise<T> {
  if (runtime?.name !== DOCKER_RUNTIME) return await create();
  const [{ withDockerPull }, { showProgress }] = await Promise.all([
    import("../../api/client/run/docker-pull.js"),
    import("./progress/show-progress.js"),
  ]);
  let display: ProgressDisplay | undefined;
  const onProgress: ProgressDisplay["onProgress"] = (event) => {
    display ??= showProgress(process.stderr);
    display.onProgress(event);
  };
  try {
    return await withDockerPull(client, { namespace, id, image, onProgress }, create);
  } finally {
    display?.[Symbol.dispose]();
  }
}
