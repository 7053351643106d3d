// CancelUpgradeContainer: stops an upgrade.
import { notImplemented } from "../../api/core/errors.js";
import type { CancelUpgradeContainerRequest, CancelUpgradeContainerResponse } from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";

export async function cancelUpgradeContainer(
  _tremplin: Tremplin,
  _request: CancelUpgradeContainerRequest,
): Promise<CancelUpgradeContainerResponse> {
  throw notImplemented("CancelUpgradeContainer");
}
