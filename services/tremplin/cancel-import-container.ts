// CancelImportContainer: asks an import to stop.
import { notImplemented } from "../../api/core/errors.js";
import type { CancelImportContainerRequest, CancelImportContainerResponse } from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";

export async function cancelImportContainer(
  _tremplin: Tremplin,
  _request: CancelImportContainerRequest,
): Promise<CancelImportContainerResponse> {
  throw notImplemented("CancelImportContainer");
}
