// ExportContainer: writes a container into a file.
import { notImplemented } from "../../api/core/errors.js";
import type { ExportContainerRequest, ExportContainerResponse } from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";

export async function exportContainer(
  _tremplin: Tremplin,
  _request: ExportContainerRequest,
): Promise<ExportContainerResponse> {
  throw notImplemented("ExportContainer");
}
