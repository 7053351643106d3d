// CreateNetwork: `docker network create`.
import {
  type CreateNetworkRequest,
  CreateNetworkResponse,
} from "../../api/gen/chromiumos/test/api/cros_tool_runner_container_service.js";
import { createNetwork as createInEngine } from "../../runtime/docker/networks.js";
import { serviceError } from "./errors.js";
import type { Runner } from "./runner.js";

/** Of virtual machines in Google's cloud: larger packets would be lost there. */
const MTU_BYTES = 1450;

/** It goes through once it has begun, so that what is made is known to be ours. */
export async function createNetwork(
  { engine, networks, networkNames }: Pick<Runner, "engine" | "networks" | "networkNames">,
  { name }: CreateNetworkRequest,
): Promise<CreateNetworkResponse> {
  if (name === "") throw serviceError("invalid_argument", "Missing name");
  // Of two at a time both would be made, since the engine compares names before and not while it makes one.
  return await networkNames.run(name, async () => {
    const { id } = await createInEngine(engine, name, { mtuBytes: MTU_BYTES });
    networks.declare(name, id);
    return CreateNetworkResponse.fromPartial({ network: { name, id, owned: true } });
  });
}
