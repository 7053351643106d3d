// StackCommands: several calls one after the other, up to the first that fails.
import {
  type StackCommandsRequest,
  type StackCommandsRequest_Stackable,
  StackCommandsResponse,
  type StackCommandsResponse_Stackable,
} from "../../api/gen/chromiumos/test/api/cros_tool_runner_container_service.js";
import { createNetwork } from "./create-network.js";
import { commandError, type ServiceError, serviceError } from "./errors.js";
import { loginRegistry } from "./login-registry.js";
import type { Runner } from "./runner.js";
import { startContainer } from "./start-container.js";
import { startTemplated } from "./start-templated.js";

/** Trailing metadata of a failure: which request it was, counted from 0. */
const FAILED_INDEX = "ctr-failed-index";
/** And the encoded response up to there; left out when it would be too long for a header. */
const PARTIAL_RESPONSE = "ctr-partial-response-bin";
/** Peers take headers of 8 KiB, in which bytes take a third more. */
const MAX_PARTIAL_BYTES = 4096;

export async function stackCommands(
  runner: Runner,
  { requests }: StackCommandsRequest,
  signal?: AbortSignal,
): Promise<StackCommandsResponse> {
  const responses: StackCommandsResponse_Stackable[] = [];
  for (const [index, request] of requests.entries()) {
    try {
      responses.push({ output: await outputOf(runner, request, signal) });
    } catch (error) {
      throw withTrailers(commandError(error), index, { responses });
    }
  }
  return { responses };
}

async function outputOf(
  runner: Runner,
  { command }: StackCommandsRequest_Stackable,
  signal: AbortSignal | undefined,
): Promise<StackCommandsResponse_Stackable["output"]> {
  switch (command?.$case) {
    case "startContainer":
      return { $case: "startContainer", value: await startContainer(runner, command.value, signal) };
    case "startTemplatedContainer":
      return { $case: "startContainer", value: await startTemplated(runner, command.value, signal) };
    case "createNetwork":
      return { $case: "createNetwork", value: await createNetwork(runner, command.value) };
    case "loginRegistry":
      return { $case: "loginRegistry", value: await loginRegistry(runner, command.value, signal) };
    case undefined:
      throw serviceError("not_implemented", "Unimplemented request type: none of the known commands is set");
  }
}

function withTrailers(error: ServiceError, index: number, partial: StackCommandsResponse): ServiceError {
  const bytes = StackCommandsResponse.encode(partial).finish();
  const trailers = {
    [FAILED_INDEX]: String(index),
    ...(bytes.length <= MAX_PARTIAL_BYTES && { [PARTIAL_RESPONSE]: bytes }),
  };
  return serviceError(error.kind, error.message, error, trailers);
}
