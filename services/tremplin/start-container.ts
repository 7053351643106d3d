// StartContainer: starts a container behind its answer, and says every 30 seconds that it is still at it.
import { errorKind } from "../../api/core/errors.js";
import type { OsRelease } from "../../api/gen/vm_tools/tremplin.js";
import {
  ContainerStartProgress_Status as Progress,
  type StartContainerRequest,
  StartContainerResponse,
  StartContainerResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import { type LxdInstance, updateInstance } from "../../runtime/lxd/instances.js";
import { refreshAptSources } from "./apt-sources.js";
import { keepRecord, startTask } from "./container-record.js";
import { lookUp } from "./containers.js";
import { setUpDevices } from "./devices.js";
import { failedTo, reasonOf } from "./failure.js";
import { findInstance, isActive } from "./instances.js";
import { isUnfinished } from "./make-container.js";
import { checkContainerName, FINISHED_MARK } from "./names.js";
import { readOsRelease } from "./os-release.js";
import { checkLevel, storeLevel } from "./privilege.js";
import { needsRemap, remap } from "./remap.js";
import type { Tremplin } from "./tremplin.js";

const HEARTBEAT_MS = 30_000;

const failed = (failureReason: string): StartContainerResponse =>
  StartContainerResponse.fromPartial({ status: Status.FAILED, failureReason });

export async function startContainer(
  tremplin: Tremplin,
  { containerName: name, privilegeLevel, token }: StartContainerRequest,
): Promise<StartContainerResponse> {
  checkContainerName(name);
  const present = await lookUp(tremplin, name);
  if (present === undefined) return failed(`failed to find container: ${name}`);
  checkLevel(privilegeLevel);
  // LXD reads no files of a stopped container whose users are about to change.
  const osRelease = isActive(present) ? undefined : await findOsRelease(tremplin, name);
  await storeLevel(tremplin, present, privilegeLevel);
  if (isActive(present)) {
    // Its start may have been the last deed of a server that was killed.
    if (!tremplin.names.isHeld(name)) await markFinished(tremplin, present);
    return StartContainerResponse.fromPartial({ status: Status.RUNNING });
  }
  const current = await findInstance(tremplin, name);
  const status = current !== undefined && needsRemap(current) ? Status.REMAPPING : Status.STARTING;
  tremplin.work.run(`start container ${name}`, (signal) => startAndTell(tremplin, name, token, signal));
  return StartContainerResponse.fromPartial({ status, ...(osRelease !== undefined && { osRelease }) });
}

/** What it does not tell, or cannot be brought, does not keep it from starting. */
async function findOsRelease({ lxd, log, milestone }: Tremplin, name: string): Promise<OsRelease | undefined> {
  if (milestone !== undefined) {
    await refreshAptSources(lxd, name, milestone).catch((err: unknown) => {
      log.warn({ name, err }, "cannot bring a container's list of packages to the milestone");
    });
  }
  return await readOsRelease(lxd, name).catch((err: unknown) => {
    log.warn({ name, err }, "cannot read which system a container has");
    return undefined;
  });
}

async function startAndTell(tremplin: Tremplin, name: string, token: string, signal: AbortSignal): Promise<void> {
  const { listener, names, timers } = tremplin;
  const tell = (status: Progress, failureReason = ""): Promise<void> =>
    listener.tell("updateStartStatus", { containerName: name, status, failureReason });
  const heartbeat = timers.every(HEARTBEAT_MS, () => void tell(Progress.STARTING));
  try {
    await names.run(name, () => start(tremplin, name, token, signal), signal);
    heartbeat[Symbol.dispose]();
    await tell(Progress.STARTED);
  } catch (error) {
    heartbeat[Symbol.dispose]();
    await tell(errorKind(error) === "cancelled" ? Progress.CANCELLED : Progress.FAILED, reasonOf(error));
  }
}

async function start(tremplin: Tremplin, name: string, token: string, signal: AbortSignal): Promise<void> {
  const present = await findInstance(tremplin, name);
  if (present === undefined) throw new Error(`failed to find container: ${name}`);
  if (!isActive(present)) {
    await setUpDevices(tremplin, name, token, signal).catch(failedTo("set up devices"));
    if (needsRemap(present)) await remap(tremplin, name, signal).catch(failedTo("remap"));
    await startTask(tremplin, name, signal).catch(failedTo("start container"));
  }
  await markFinished(tremplin, present);
  const started = await findInstance(tremplin, name);
  if (started !== undefined) await keepRecord(tremplin, started);
}

/** From now on nothing but DeleteContainer takes it away. */
async function markFinished({ lxd }: Tremplin, instance: LxdInstance): Promise<void> {
  if (isUnfinished(instance)) await updateInstance(lxd, instance.name, { config: { [FINISHED_MARK]: "true" } });
}
