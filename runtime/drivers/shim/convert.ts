// Between the shims' messages and our records; pure.
import type { ProcessState, TaskStatus } from "../../../api/core/task.js";
import { fromTimestamp } from "../../../api/core/time.js";
import type { StateResponse } from "../../../api/gen/runtime/task/v2/shim.js";
import { Status } from "../../../api/gen/types/task/task.js";

function toStatus(status: Status): TaskStatus {
  switch (status) {
    case Status.CREATED:
      return "created";
    case Status.RUNNING:
      return "running";
    case Status.STOPPED:
      return "stopped";
    case Status.PAUSED:
      return "paused";
    case Status.PAUSING:
      return "pausing";
    case Status.UNKNOWN:
    case Status.UNRECOGNIZED:
      return "unknown";
  }
}

/** The reply names an exec where it should name the task, so both ids come from the asker. */
export function toProcessState(containerId: string, execId: string, reply: StateResponse): ProcessState {
  return {
    containerId,
    execId,
    pid: reply.pid,
    status: toStatus(reply.status),
    exitStatus: reply.exitStatus,
    exitedAtNs: fromTimestamp(reply.exitedAt),
    stdin: reply.stdin,
    stdout: reply.stdout,
    stderr: reply.stderr,
    terminal: reply.terminal,
  };
}
