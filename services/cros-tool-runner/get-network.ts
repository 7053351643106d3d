// GetNetwork: `docker network inspect`, of any network.
import {
  type GetNetworkRequest,
  GetNetworkResponse,
} from "../../api/gen/chromiumos/test/api/cros_tool_runner_container_service.js";
import { findNetwork } from "../../runtime/docker/networks.js";
import { serviceError } from "./errors.js";
import type { Runner } from "./runner.js";

export async function getNetwork(
  { engine, networks }: Pick<Runner, "engine" | "networks">,
  { name }: GetNetworkRequest,
  signal?: AbortSignal,
): Promise<GetNetworkResponse> {
  const found = await findNetwork(engine, name, signal);
  if (found === undefined) throw serviceError("not_found", `Cannot retrieve network ID with name ${name}`);
  const { id } = found;
  return GetNetworkResponse.fromPartial({ network: { name, id, owned: networks.has(name, id) } });
}
