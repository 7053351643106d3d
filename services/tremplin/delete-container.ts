// DeleteContainer: stops a container and removes it.
import { notImplemented } from "../../api/core/errors.js";
import type { DeleteContainerRequest, DeleteContainerResponse } from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";

export async function deleteContainer(
  _tremplin: Tremplin,
  _request: DeleteContainerRequest,
): Promise<DeleteContainerResponse> {
  throw notImplemented("DeleteContainer");
}
