// CancelExportContainer: asks an export to stop.
import { notImplemented } from "../../api/core/errors.js";
import type { CancelExportContainerRequest, CancelExportContainerResponse } from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";

export async function cancelExportContainer(
  _tremplin: Tremplin,
  _request: CancelExportContainerRequest,
): Promise<CancelExportContainerResponse> {
  throw notImplemented("CancelExportContainer");
}
