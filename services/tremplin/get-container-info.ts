// GetContainerInfo: whether a container runs, and its address.
import { notImplemented } from "../../api/core/errors.js";
import type { GetContainerInfoRequest, GetContainerInfoResponse } from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";

export async function getContainerInfo(
  _tremplin: Tremplin,
  _request: GetContainerInfoRequest,
): Promise<GetContainerInfoResponse> {
  throw notImplemented("GetContainerInfo");
}
