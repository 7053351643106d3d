// CancelExportContainer: asks an export to stop. It ends as cancelled, or as done when it was too late.
import {
  type CancelExportContainerRequest,
  CancelExportContainerResponse,
  CancelExportContainerResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";

/** An import under this name is asked as well: names are shared. */
export async function cancelExportContainer(
  { transactions }: Tremplin,
  { inProgressContainerName }: CancelExportContainerRequest,
): Promise<CancelExportContainerResponse> {
  const isThere = transactions.cancel(inProgressContainerName);
  return CancelExportContainerResponse.fromPartial({
    status: isThere ? Status.CANCEL_QUEUED : Status.OPERATION_NOT_FOUND,
  });
}
