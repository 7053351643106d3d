// Templates: what a templated request says, told as an ordinary start.
import type {
  Container_PortBinding,
  StartContainerRequest,
  StartTemplatedContainerRequest,
} from "../../../api/gen/chromiumos/test/api/cros_tool_runner_container_service.js";
import { serviceError } from "../errors.js";

/** What templates ask of the service. */
export interface TemplateDeps {
  /**
   * The ports of a container as GetContainer tells them: what the engine publishes, else what the service in it says of itself.
   * @throws not_found for a name that is not there.
   */
  readonly portBindings: (container: string, signal?: AbortSignal) => Promise<readonly Container_PortBinding[]>;
  /** The server's own environment, for `env` of generic templates. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Makes files and folders that the container is to find, and resolves with the request to start it by.
 * @throws invalid_argument, failed_precondition, not_implemented; not_found for a placeholder's container.
 */
export type TemplateExpander = (
  request: StartTemplatedContainerRequest,
  deps: TemplateDeps,
  signal?: AbortSignal,
) => Promise<StartContainerRequest>;

/** See {@link TemplateExpander}. */
export const expandTemplate: TemplateExpander = async (request) => {
  const kind = request.template?.container?.$case;
  if (kind === undefined) throw serviceError("invalid_argument", "No template set in the request");
  throw serviceError("not_implemented", `${kind} to be implemented`);
};
