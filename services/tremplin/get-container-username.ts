// GetContainerUsername: who the user of a container is.
import { notImplemented } from "../../api/core/errors.js";
import type { GetContainerUsernameRequest, GetContainerUsernameResponse } from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";

export async function getContainerUsername(
  _tremplin: Tremplin,
  _request: GetContainerUsernameRequest,
): Promise<GetContainerUsernameResponse> {
  throw notImplemented("GetContainerUsername");
}
