// ImportContainer: makes a container of a file that an export wrote.
import { notImplemented } from "../../api/core/errors.js";
import type { ImportContainerRequest, ImportContainerResponse } from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";

export async function importContainer(
  _tremplin: Tremplin,
  _request: ImportContainerRequest,
): Promise<ImportContainerResponse> {
  throw notImplemented("ImportContainer");
}
