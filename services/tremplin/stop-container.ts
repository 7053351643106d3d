// StopContainer: stops a container by force.
import { notImplemented } from "../../api/core/errors.js";
import type { StopContainerRequest, StopContainerResponse } from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";

export async function stopContainer(
  _tremplin: Tremplin,
  _request: StopContainerRequest,
): Promise<StopContainerResponse> {
  throw notImplemented("StopContainer");
}
