// DetachUsbFromContainer: takes a USB port away from its container.
import { notImplemented } from "../../api/core/errors.js";
import type { DetachUsbFromContainerRequest, DetachUsbFromContainerResponse } from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";

export async function detachUsbFromContainer(
  _tremplin: Tremplin,
  _request: DetachUsbFromContainerRequest,
): Promise<DetachUsbFromContainerResponse> {
  throw notImplemented("DetachUsbFromContainer");
}
