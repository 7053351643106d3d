// The service that a VM's host calls to keep system containers: instances of LXD, which are records and tasks of the daemon too.
import { DisposeScope } from "../../api/core/dispose.js";
import { defineService, type Service } from "../../api/core/handler.js";
import {
  AttachUsbToContainerResponse,
  AttachUsbToContainerResponse_Status,
  CancelExportContainerResponse,
  CancelImportContainerResponse,
  CancelUpgradeContainerResponse,
  CancelUpgradeContainerResponse_Status,
  CreateContainerResponse,
  CreateContainerResponse_Status,
  DeleteContainerResponse,
  DeleteContainerResponse_Status,
  DetachUsbFromContainerResponse,
  DetachUsbFromContainerResponse_Status,
  ExportContainerResponse,
  ExportContainerResponse_Status,
  GetContainerInfoResponse,
  GetContainerInfoResponse_Status,
  GetContainerUsernameResponse,
  GetContainerUsernameResponse_Status,
  GetDebugInfoResponse,
  ImportContainerResponse,
  ImportContainerResponse_Status,
  SetTimezoneResponse,
  SetUpUserResponse,
  SetUpUserResponse_Status,
  StartContainerResponse,
  StartContainerResponse_Status,
  StartLxdResponse,
  StartLxdResponse_Status,
  StopContainerResponse,
  StopContainerResponse_Status,
  TremplinService as TremplinDefinition,
  UpgradeContainerResponse,
  UpgradeContainerResponse_Status,
} from "../../api/gen/vm_tools/tremplin.js";
import { attachUsbToContainer } from "./attach-usb-to-container.js";
import { cancelExportContainer } from "./cancel-export-container.js";
import { cancelImportContainer } from "./cancel-import-container.js";
import { cancelUpgradeContainer } from "./cancel-upgrade-container.js";
import { createContainer } from "./create-container.js";
import { deleteContainer } from "./delete-container.js";
import { detachUsbFromContainer } from "./detach-usb-from-container.js";
import { exportContainer } from "./export-container.js";
import { answering } from "./failure.js";
import { getContainerInfo } from "./get-container-info.js";
import { getContainerUsername } from "./get-container-username.js";
import { getDebugInfo } from "./get-debug-info.js";
import { hostNetworkChanged } from "./host-network-changed.js";
import { importContainer } from "./import-container.js";
import { setTimezone } from "./set-timezone.js";
import { setUpUser } from "./set-up-user.js";
import { startContainer } from "./start-container.js";
import { startLxd } from "./start-lxd.js";
import { stopContainer } from "./stop-container.js";
import { makeTremplin, type Tremplin, type TremplinDeps } from "./tremplin.js";
import { upgradeContainer } from "./upgrade-container.js";

export { TREMPLIN_NAMESPACE, type TremplinDeps, type TremplinSettings } from "./tremplin.js";

/** Disposing it, when no call is under way any more, ends what goes on behind the answers, then the LXD that it runs with its containers. */
export interface TremplinService extends AsyncDisposable {
  readonly service: Service;
  readonly tremplin: Tremplin;
}

/** Asks nobody anything yet. */
export function defineTremplin(deps: TremplinDeps): TremplinService {
  const tremplin = makeTremplin(deps);
  const scope = new DisposeScope();
  scope.use(tremplin.engine);
  scope.use(tremplin.watching);
  scope.defer(() => tremplin.engine.stop("SIGPWR"));
  scope.use(tremplin.work);
  const service = defineService(TremplinDefinition, {
    startLxd: (request) => handlers.startLxd(tremplin, request),
    createContainer: (request) => handlers.createContainer(tremplin, request),
    deleteContainer: (request) => handlers.deleteContainer(tremplin, request),
    startContainer: (request) => handlers.startContainer(tremplin, request),
    stopContainer: (request) => handlers.stopContainer(tremplin, request),
    getContainerUsername: (request) => handlers.getContainerUsername(tremplin, request),
    setUpUser: (request) => handlers.setUpUser(tremplin, request),
    getContainerInfo: (request) => handlers.getContainerInfo(tremplin, request),
    setTimezone: (request) => handlers.setTimezone(tremplin, request),
    exportContainer: (request) => handlers.exportContainer(tremplin, request),
    cancelExportContainer: (request) => handlers.cancelExportContainer(tremplin, request),
    importContainer: (request) => handlers.importContainer(tremplin, request),
    cancelImportContainer: (request) => handlers.cancelImportContainer(tremplin, request),
    upgradeContainer: (request) => handlers.upgradeContainer(tremplin, request),
    cancelUpgradeContainer: (request) => handlers.cancelUpgradeContainer(tremplin, request),
    hostNetworkChanged: (request) => hostNetworkChanged(tremplin, request),
    getDebugInfo: (request) => handlers.getDebugInfo(tremplin, request),
    attachUsbToContainer: (request) => handlers.attachUsbToContainer(tremplin, request),
    detachUsbFromContainer: (request) => handlers.detachUsbFromContainer(tremplin, request),
  });
  return { service, tremplin, [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose]() };
}

/** What a handler throws becomes the failure that its answer has a place for. */
const handlers = {
  startLxd: answering(startLxd, (failureReason) =>
    StartLxdResponse.fromPartial({ status: StartLxdResponse_Status.FAILED, failureReason }),
  ),
  createContainer: answering(createContainer, (failureReason) =>
    CreateContainerResponse.fromPartial({ status: CreateContainerResponse_Status.FAILED, failureReason }),
  ),
  deleteContainer: answering(deleteContainer, (failureReason) =>
    DeleteContainerResponse.fromPartial({ status: DeleteContainerResponse_Status.FAILED, failureReason }),
  ),
  startContainer: answering(startContainer, (failureReason) =>
    StartContainerResponse.fromPartial({ status: StartContainerResponse_Status.FAILED, failureReason }),
  ),
  stopContainer: answering(stopContainer, (failureReason) =>
    StopContainerResponse.fromPartial({ status: StopContainerResponse_Status.FAILED, failureReason }),
  ),
  getContainerUsername: answering(getContainerUsername, (failureReason) =>
    GetContainerUsernameResponse.fromPartial({ status: GetContainerUsernameResponse_Status.FAILED, failureReason }),
  ),
  setUpUser: answering(setUpUser, (failureReason) =>
    SetUpUserResponse.fromPartial({ status: SetUpUserResponse_Status.FAILED, failureReason }),
  ),
  getContainerInfo: answering(getContainerInfo, (failureReason) =>
    GetContainerInfoResponse.fromPartial({ status: GetContainerInfoResponse_Status.FAILED, failureReason }),
  ),
  setTimezone: answering(setTimezone, (failureReason) =>
    SetTimezoneResponse.fromPartial({ failureReasons: [failureReason] }),
  ),
  exportContainer: answering(exportContainer, (failureReason) =>
    ExportContainerResponse.fromPartial({ status: ExportContainerResponse_Status.FAILED, failureReason }),
  ),
  cancelExportContainer: answering(cancelExportContainer, () => CancelExportContainerResponse.fromPartial({})),
  importContainer: answering(importContainer, (failureReason) =>
    ImportContainerResponse.fromPartial({ status: ImportContainerResponse_Status.FAILED, failureReason }),
  ),
  cancelImportContainer: answering(cancelImportContainer, () => CancelImportContainerResponse.fromPartial({})),
  upgradeContainer: answering(upgradeContainer, (failureReason) =>
    UpgradeContainerResponse.fromPartial({ status: UpgradeContainerResponse_Status.FAILED, failureReason }),
  ),
  cancelUpgradeContainer: answering(cancelUpgradeContainer, (failureReason) =>
    CancelUpgradeContainerResponse.fromPartial({ status: CancelUpgradeContainerResponse_Status.FAILED, failureReason }),
  ),
  getDebugInfo: answering(getDebugInfo, (debugInformation) => GetDebugInfoResponse.fromPartial({ debugInformation })),
  attachUsbToContainer: answering(attachUsbToContainer, (failureReason) =>
    AttachUsbToContainerResponse.fromPartial({ status: AttachUsbToContainerResponse_Status.FAILED, failureReason }),
  ),
  detachUsbFromContainer: answering(detachUsbFromContainer, (failureReason) =>
    DetachUsbFromContainerResponse.fromPartial({ status: DetachUsbFromContainerResponse_Status.FAILED, failureReason }),
  ),
};
