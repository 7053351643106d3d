// StartTemplatedContainer: a start that a template describes.
import type {
  StartContainerResponse,
  StartTemplatedContainerRequest,
} from "../../api/gen/chromiumos/test/api/cros_tool_runner_container_service.js";
import { portBindings } from "./get-container.js";
import type { Runner } from "./runner.js";
import { startContainer } from "./start-container.js";
import { checkNames } from "./start-request.js";
import { expandTemplate } from "./templates/index.js";
import { keepToken } from "./tokens.js";

export async function startTemplated(
  runner: Runner,
  request: StartTemplatedContainerRequest,
  signal?: AbortSignal,
): Promise<StartContainerResponse> {
  // A template makes files and folders, which a request that is refused anyway need not leave.
  checkNames(request);
  const deps = {
    env: runner.env,
    keepToken: (folder: string, name: string, until?: AbortSignal) => keepToken(runner, folder, name, until),
    portBindings: (name: string, until?: AbortSignal) => portBindings(runner, name, until),
  };
  const start = await expandTemplate(request, deps, signal);
  return await startContainer(runner, start, signal, request.network);
}
