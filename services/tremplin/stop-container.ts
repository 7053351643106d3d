// StopContainer: kills a container behind its answer.
import { errorKind } from "../../api/core/errors.js";
import {
  ContainerStopProgress_Status as Progress,
  StopContainerResponse_Status as Status,
  type StopContainerRequest,
  StopContainerResponse,
} from "../../api/gen/vm_tools/tremplin.js";
import { lookUp, stopByForce } from "./containers.js";
import { reasonOf } from "./failure.js";
import { isActive } from "./instances.js";
import type { Tremplin } from "./tremplin.js";

const answer = (status: Status): StopContainerResponse => StopContainerResponse.fromPartial({ status });

export async function stopContainer(
  tremplin: Tremplin,
  { containerName: name }: StopContainerRequest,
): Promise<StopContainerResponse> {
  const present = await lookUp(tremplin, name);
  if (present === undefined) return answer(Status.DOES_NOT_EXIST);
  if (!isActive(present)) return answer(Status.STOPPED);
  tremplin.work.run(`stop container ${name}`, async (signal) => {
    const { listener, names } = tremplin;
    // Nobody waits for a listener that does not answer.
    void listener.tell("updateStopStatus", { containerName: name, status: Progress.STOPPING });
    try {
      await names.run(name, () => stopByForce(tremplin, name, signal), signal);
      await listener.tell("updateStopStatus", { containerName: name, status: Progress.STOPPED });
    } catch (error) {
      const status = errorKind(error) === "cancelled" ? Progress.CANCELLED : Progress.FAILED;
      await listener.tell("updateStopStatus", { containerName: name, status, failureReason: reasonOf(error) });
    }
  });
  return answer(Status.STOPPING);
}
