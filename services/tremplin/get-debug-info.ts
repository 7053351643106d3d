// GetDebugInfo: what LXC says of the default container.
import { type GetDebugInfoRequest, GetDebugInfoResponse } from "../../api/gen/vm_tools/tremplin.js";
import { openInstanceLog } from "../../runtime/lxd/instances.js";
import { reasonOf } from "./failure.js";
import { DEFAULT_CONTAINER } from "./names.js";
import type { Tremplin } from "./tremplin.js";

/** So much of a log's end as a message of gRPC surely takes. */
const MAX_BYTES = 1 << 20;

export async function getDebugInfo(tremplin: Tremplin, _request: GetDebugInfoRequest): Promise<GetDebugInfoResponse> {
  return GetDebugInfoResponse.fromPartial({ debugInformation: await debugText(tremplin) });
}

async function debugText({ engine, lxd }: Tremplin): Promise<string> {
  if (!engine.isStarted()) return "LXD not running";
  try {
    let tail = Buffer.alloc(0);
    for await (const chunk of await openInstanceLog(lxd, DEFAULT_CONTAINER, "lxc.log")) {
      tail = Buffer.concat([tail, chunk]).subarray(-MAX_BYTES);
    }
    return tail.toString();
  } catch (error) {
    return `Error getting container log: ${reasonOf(error)}`;
  }
}
