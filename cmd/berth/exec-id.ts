// What is told of a process in a task beside its pid.
import { RuncProcessDetails } from "../../api/client/payloads.js";
import type { ProcessInfo } from "../../api/core/task.js";
import { isTypeOf } from "../../api/core/typeurl.js";

/** Processes that came by exec carry their id; of a type unknown here its name. */
export function execIdOf({ info }: ProcessInfo): string | undefined {
  if (info === undefined) return undefined;
  return isTypeOf(info, "containerd.runc.v1.ProcessDetails")
    ? RuncProcessDetails.decode(info.value).execId
    : info.typeUrl;
}
