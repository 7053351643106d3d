// StartContainer: starts a container.
import { notImplemented } from "../../api/core/errors.js";
import type { StartContainerRequest, StartContainerResponse } from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";

export async function startContainer(
  _tremplin: Tremplin,
  _request: StartContainerRequest,
): Promise<StartContainerResponse> {
  throw notImplemented("StartContainer");
}
