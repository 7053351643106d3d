// UpgradeContainer: brings a container to a newer Debian.
import { notImplemented } from "../../api/core/errors.js";
import type { UpgradeContainerRequest, UpgradeContainerResponse } from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";

export async function upgradeContainer(
  _tremplin: Tremplin,
  _request: UpgradeContainerRequest,
): Promise<UpgradeContainerResponse> {
  throw notImplemented("UpgradeContainer");
}
