// AttachUsbToContainer: gives a USB port to a container.
import { notImplemented } from "../../api/core/errors.js";
import type { AttachUsbToContainerRequest, AttachUsbToContainerResponse } from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";

export async function attachUsbToContainer(
  _tremplin: Tremplin,
  _request: AttachUsbToContainerRequest,
): Promise<AttachUsbToContainerResponse> {
  throw notImplemented("AttachUsbToContainer");
}
