// The container service of ChromeOS test labs: docker commands as calls. Containers are records and tasks of the daemon, under the
// runtime of the Docker driver; networks and logins are the engine's.
import { randomBytes } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { RequestContext } from "../../api/core/context.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { defineService, type Service } from "../../api/core/handler.js";
import {
  CrosToolRunnerContainerServiceService,
  ShutdownResponse,
} from "../../api/gen/chromiumos/test/api/cros_tool_runner_container_service.js";
import { cleanUp } from "./clean-up.js";
import { createNetwork } from "./create-network.js";
import { commandError } from "./errors.js";
import { getContainer } from "./get-container.js";
import { getNetwork } from "./get-network.js";
import { loginRegistry } from "./login-registry.js";
import { watchAll } from "./removal.js";
import { makeRunner, type RunnerDeps } from "./runner.js";
import { stackCommands } from "./stack-commands.js";
import { startContainer } from "./start-container.js";
import { startTemplated } from "./start-templated.js";

export { RUNNER_NAMESPACE, type RunnerDeps } from "./runner.js";

/** Disposing it, when no call is under way any more, stops the containers and removes the networks that it owns. */
export interface CrosToolRunner extends AsyncDisposable {
  readonly service: Service;
  /** Goes on to remove, when their commands end, the containers that an earlier server on this store started. Call it once. */
  resume(): Promise<void>;
}

/** Asks nobody anything yet. */
export function defineCrosToolRunner(deps: RunnerDeps): CrosToolRunner {
  const ending = new AbortController();
  // Each container that runs listens to it.
  setMaxListeners(0, ending.signal);
  const runner = makeRunner(deps, randomBytes(8).toString("hex"), ending.signal);
  const scope = new DisposeScope();
  scope.defer(() => {
    ending.abort();
  });
  scope.defer(() => cleanUp(runner));
  const service = defineService(CrosToolRunnerContainerServiceService, {
    createNetwork: asCommand((request) => createNetwork(runner, request)),
    getNetwork: asCommand((request, { signal }) => getNetwork(runner, request, signal)),
    shutdown: async () => {
      // Behind the answer.
      setImmediate(deps.onShutdown);
      return ShutdownResponse.fromPartial({});
    },
    loginRegistry: asCommand((request, { signal }) => loginRegistry(runner, request, signal)),
    startContainer: asCommand((request, { signal }) => startContainer(runner, request, signal)),
    startTemplatedContainer: asCommand((request, { signal }) => startTemplated(runner, request, signal)),
    stackCommands: asCommand((request, { signal }) => stackCommands(runner, request, signal)),
    getContainer: asCommand((request, { signal }) => getContainer(runner, request, signal)),
  });
  return {
    service,
    resume: () => watchAll(runner),
    [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
  };
}

/** A call that fails as the docker command would. */
function asCommand<Request, Response>(
  run: (request: Request, ctx: RequestContext) => Promise<Response>,
): (request: Request, ctx: RequestContext) => Promise<Response> {
  return async (request, ctx) => {
    try {
      return await run(request, ctx);
    } catch (error) {
      throw commandError(error);
    }
  };
}
