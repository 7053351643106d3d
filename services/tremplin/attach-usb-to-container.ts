// AttachUsbToContainer: gives a USB port to a container, with what is plugged in now and what will be later.
import { isInvalidArgument, isNotFound } from "../../api/core/errors.js";
import {
  type AttachUsbToContainerRequest,
  AttachUsbToContainerResponse,
  AttachUsbToContainerResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import { getInstance } from "../../runtime/lxd/instances.js";
import { reasonOf } from "./failure.js";
import { checkContainerName } from "./names.js";
import type { Tremplin } from "./tremplin.js";
import { bringUpToDate, detachPort, findPort } from "./usb/attach.js";

export async function attachUsbToContainer(
  tremplin: Tremplin,
  { portNum, containerName }: AttachUsbToContainerRequest,
): Promise<AttachUsbToContainerResponse> {
  const { usb, lxd, ending } = tremplin;
  await findPort(tremplin, portNum);
  const attach = async (): Promise<AttachUsbToContainerResponse> => {
    try {
      checkContainerName(containerName);
      await getInstance(lxd, containerName);
    } catch (error) {
      if (!isNotFound(error) && !isInvalidArgument(error)) throw error;
      return AttachUsbToContainerResponse.fromPartial({
        status: Status.NO_SUCH_CONTAINER,
        failureReason: `Failed to get container ${JSON.stringify(containerName)}: ${reasonOf(error)}`,
      });
    }
    const wasThere = usb.get(portNum)?.container === containerName;
    if (!wasThere) {
      await detachPort(tremplin, portNum);
      usb.attach(portNum, containerName);
    }
    try {
      await bringUpToDate(tremplin, portNum);
    } catch (error) {
      if (!wasThere) usb.free(portNum);
      throw error;
    }
    return AttachUsbToContainerResponse.fromPartial({ status: Status.OK });
  };
  return await usb.locks.run(String(portNum), attach, ending);
}
