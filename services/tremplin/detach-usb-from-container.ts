// DetachUsbFromContainer: takes a USB port away from the container that has it, if any.
import {
  type DetachUsbFromContainerRequest,
  DetachUsbFromContainerResponse,
  DetachUsbFromContainerResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";
import { detachPort, findPort } from "./usb/attach.js";

export async function detachUsbFromContainer(
  tremplin: Tremplin,
  { portNum }: DetachUsbFromContainerRequest,
): Promise<DetachUsbFromContainerResponse> {
  await findPort(tremplin, portNum);
  await tremplin.usb.locks.run(String(portNum), () => detachPort(tremplin, portNum), tremplin.ending);
  return DetachUsbFromContainerResponse.fromPartial({ status: Status.OK });
}
