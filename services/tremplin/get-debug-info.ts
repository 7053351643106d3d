// GetDebugInfo: what LXC says of the default container.
import { notImplemented } from "../../api/core/errors.js";
import type { GetDebugInfoRequest, GetDebugInfoResponse } from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";

export async function getDebugInfo(_tremplin: Tremplin, _request: GetDebugInfoRequest): Promise<GetDebugInfoResponse> {
  throw notImplemented("GetDebugInfo");
}
