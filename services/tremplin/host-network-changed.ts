// HostNetworkChanged: has containers ask for new addresses.
import { notImplemented } from "../../api/core/errors.js";
import type { HostNetworkChangedRequest, HostNetworkChangedResponse } from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";

export async function hostNetworkChanged(
  _tremplin: Tremplin,
  _request: HostNetworkChangedRequest,
): Promise<HostNetworkChangedResponse> {
  throw notImplemented("HostNetworkChanged");
}
