// CancelUpgradeContainer: ends an upgrade with whatever its script has started. The answer comes when that has ended.
import {
  type CancelUpgradeContainerRequest,
  CancelUpgradeContainerResponse,
  CancelUpgradeContainerResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import type { Tremplin } from "./tremplin.js";

const answer = CancelUpgradeContainerResponse.fromPartial;

export async function cancelUpgradeContainer(
  { upgrades }: Pick<Tremplin, "upgrades">,
  { containerName }: CancelUpgradeContainerRequest,
): Promise<CancelUpgradeContainerResponse> {
  const upgrade = upgrades.find(containerName);
  if (upgrade === undefined) return answer({ status: Status.NOT_RUNNING });
  upgrade.cancel();
  switch (await upgrade.over) {
    case "cancelled":
      return answer({ status: Status.CANCELLED });
    case "ended":
      // It was quicker.
      return answer({ status: Status.NOT_RUNNING });
    case "unstoppable":
      return answer({ status: Status.FAILED, failureReason: "the upgrade goes on although it was killed" });
  }
}
