// CancelImportContainer: asks an import to stop. It ends as cancelled, or as done when it was too late.
import {
  type CancelImportContainerRequest,
  CancelImportContainerResponse,
  CancelImportContainerResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";

/** An export under this name is asked as well: names are shared. */
export async function cancelImportContainer(
  { transactions }: Tremplin,
  { inProgressContainerName }: CancelImportContainerRequest,
): Promise<CancelImportContainerResponse> {
  const isThere = transactions.cancel(inProgressContainerName);
  return CancelImportContainerResponse.fromPartial({
    status: isThere ? Status.CANCEL_QUEUED : Status.OPERATION_NOT_FOUND,
  });
}
