// DeleteContainer: kills a container where it runs, and removes it, behind its answer.
import { errorKind } from "../../api/core/errors.js";
import {
  type DeleteContainerRequest,
  DeleteContainerResponse,
  ContainerDeletionProgress_Status as Progress,
  DeleteContainerResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import { lookUp, removeContainer } from "./containers.js";
import { reasonOf } from "./failure.js";
import type { Tremplin } from "./tremplin.js";

const answer = (status: Status): DeleteContainerResponse => DeleteContainerResponse.fromPartial({ status });

export async function deleteContainer(
  tremplin: Tremplin,
  { containerName: name }: DeleteContainerRequest,
): Promise<DeleteContainerResponse> {
  if ((await lookUp(tremplin, name)) === undefined) return answer(Status.DOES_NOT_EXIST);
  tremplin.work.run(`delete container ${name}`, async (signal) => {
    const { listener, names } = tremplin;
    try {
      await names.run(name, () => removeContainer(tremplin, name, signal), signal);
      await listener.tell("updateDeletionStatus", { containerName: name, status: Progress.DELETED });
    } catch (error) {
      const status = errorKind(error) === "cancelled" ? Progress.CANCELLED : Progress.FAILED;
      await listener.tell("updateDeletionStatus", { containerName: name, status, failureReason: reasonOf(error) });
    }
  });
  return answer(Status.DELETING);
}
