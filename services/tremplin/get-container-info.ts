// GetContainerInfo: whether a container runs, and its address.
import { isNotFound } from "../../api/core/errors.js";
import {
  type GetContainerInfoRequest,
  GetContainerInfoResponse,
  GetContainerInfoResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import { getInstanceState, type LxdInstanceState } from "../../runtime/lxd/instances.js";
import { STATUS } from "../../runtime/lxd/replies.js";
import { lxdNotRunning } from "./failure.js";
import { isContainerName } from "./names.js";
import type { Tremplin } from "./tremplin.js";

/** Of the interface inside that is connected to LXD's bridge. */
const INTERFACE = "eth0";

export async function getContainerInfo(
  tremplin: Tremplin,
  { containerName }: GetContainerInfoRequest,
): Promise<GetContainerInfoResponse> {
  if (!tremplin.engine.isStarted()) throw lxdNotRunning();
  const state = await stateOf(tremplin, containerName);
  if (state === undefined) {
    const failureReason = `failed to find container: ${containerName}`;
    return GetContainerInfoResponse.fromPartial({ status: Status.NOT_FOUND, failureReason });
  }
  if (state.status_code !== STATUS.running) {
    const failureReason = `container not running, status is: ${state.status_code}`;
    return GetContainerInfoResponse.fromPartial({ status: Status.STOPPED, failureReason });
  }
  const eth0 = state.network?.[INTERFACE];
  if (eth0 === undefined) {
    const failureReason = `container has no network device ${INTERFACE}`;
    return GetContainerInfoResponse.fromPartial({ status: Status.FAILED, failureReason });
  }
  const address = eth0.addresses.find(({ family }) => family === "inet")?.address;
  return GetContainerInfoResponse.fromPartial({
    status: Status.RUNNING,
    ipv4Address: address === undefined ? 0 : wireAddress(address),
  });
}

/** The four numbers stand in the message in their own order: on the wire the lowest byte of a fixed32 comes first. */
export function wireAddress(dotted: string): number {
  return Buffer.from(dotted.split(".").map(Number)).readUInt32LE();
}

async function stateOf({ lxd }: Tremplin, name: string): Promise<LxdInstanceState | undefined> {
  if (!isContainerName(name)) return undefined;
  try {
    return await getInstanceState(lxd, name);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return undefined;
  }
}
