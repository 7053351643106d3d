// CreateContainer: makes a container of an image.
import { notImplemented } from "../../api/core/errors.js";
import type { CreateContainerRequest, CreateContainerResponse } from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";

export async function createContainer(
  _tremplin: Tremplin,
  _request: CreateContainerRequest,
): Promise<CreateContainerResponse> {
  throw notImplemented("CreateContainer");
}
