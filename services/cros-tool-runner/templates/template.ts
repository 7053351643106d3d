// What every kind of template is: a function from a templated request to an ordinary one.
import type {
  StartContainerRequest,
  StartTemplatedContainerRequest,
} from "../../../api/gen/chromiumos/test/api/cros_tool_runner_container_service.js";
import type { PortLookup } from "../placeholders.js";

/** What templates ask of the service. */
export interface TemplateDeps extends PortLookup {
  /** Writes an access token of gcloud's into a folder, for a container, and keeps it fresh while the container is there. */
  readonly keepToken: (folder: string, container: string, signal?: AbortSignal) => Promise<void>;
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

/** A template of one kind: the request, what is its own, and what to ask. */
export type Expand<Kind> = (
  request: StartTemplatedContainerRequest,
  template: Kind,
  deps: TemplateDeps,
  signal?: AbortSignal,
) => Promise<StartContainerRequest> | StartContainerRequest;
