// UpgradeContainer: brings a container to a newer Debian, by the script that the host's tools in the container have for it. What the
// script prints goes to the listener now and then.
import { errorKind, failedPrecondition, isNotFound, unknownError } from "../../api/core/errors.js";
import {
  UpgradeContainerProgress_Status as Progress,
  UpgradeContainerResponse_Status as Status,
  type UpgradeContainerRequest,
  UpgradeContainerResponse,
} from "../../api/gen/vm_tools/tremplin.js";
import { getInstance } from "../../runtime/lxd/instances.js";
import { openSftp } from "../../runtime/lxd/sftp.js";
import { planUpgrade } from "./debian-versions.js";
import { lxdNotRunning, reasonOf } from "./failure.js";
import { checkContainerName } from "./names.js";
import { readOsRelease } from "./os-release.js";
import { runInside } from "./run-inside.js";
import type { Tremplin } from "./tremplin.js";
import type { Upgrade, UpgradeEnd } from "./upgrades.js";

/** In the container, where the host's tools are mounted. */
export const UPGRADE_SCRIPT = "/opt/google/cros-containers/bin/upgrade_container";
/** The listener hears of new lines so often, and at once when there are that many. */
const PROGRESS_MS = 1_000;
const MAX_LINES = 500;

const answer = UpgradeContainerResponse.fromPartial;
type Upgrader = Pick<Tremplin, "engine" | "lxd" | "listener" | "timers" | "upgrades" | "work" | "ending">;

export async function upgradeContainer(
  tremplin: Upgrader,
  { containerName, targetVersion }: UpgradeContainerRequest,
): Promise<UpgradeContainerResponse> {
  const { engine, lxd, upgrades, work, ending } = tremplin;
  if (!engine.isStarted() || ending.aborted) throw lxdNotRunning();
  checkContainerName(containerName);
  const upgrade = upgrades.begin(containerName);
  if (upgrade === undefined) return answer({ status: Status.ALREADY_RUNNING });
  let hasBegun = false;
  try {
    const plan = planUpgrade(await readOsRelease(lxd, containerName), targetVersion);
    if (plan.verdict === "already_upgraded") return answer({ status: Status.ALREADY_UPGRADED });
    if (plan.verdict === "not_supported") return answer({ status: Status.NOT_SUPPORTED, failureReason: plan.reason });
    await checkReadiness(lxd, containerName);
    hasBegun = true;
    work.run("upgrade", async (signal) => {
      let end: UpgradeEnd = "ended";
      try {
        end = await runUpgrade(tremplin, containerName, plan.target, upgrade, signal);
      } finally {
        upgrades.end(containerName, end);
      }
    });
    return answer({ status: Status.STARTED });
  } finally {
    if (!hasBegun) upgrades.end(containerName, "ended");
  }
}

/** @throws failed_precondition unless the script can be run. */
async function checkReadiness(lxd: Tremplin["lxd"], name: string): Promise<void> {
  const { status } = await getInstance(lxd, name);
  if (status !== "Running") throw failedPrecondition(`container ${name} is not running, its status is ${status}`);
  using sftp = await openSftp(lxd, name);
  try {
    await sftp.stat(UPGRADE_SCRIPT);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw failedPrecondition(`container ${name} has no ${UPGRADE_SCRIPT}`, error);
  }
}

/** To the last news of it, which is told in any case. */
async function runUpgrade(
  { lxd, listener, timers }: Upgrader,
  containerName: string,
  target: string,
  upgrade: Upgrade,
  ending: AbortSignal,
): Promise<UpgradeEnd> {
  let lines: string[] = [];
  const takeLines = (): string[] => {
    const taken = lines;
    lines = [];
    return taken;
  };
  const tell = async (): Promise<void> => {
    if (lines.length === 0) return;
    const news = { containerName, status: Progress.IN_PROGRESS, progressMessages: takeLines() };
    await listener.tell("upgradeContainerStatus", news);
  };
  const onLine = async (line: string): Promise<void> => {
    lines.push(line);
    // Nothing more is read until the listener has them.
    if (lines.length >= MAX_LINES) await tell();
  };
  const signal = AbortSignal.any([upgrade.signal, ending]);
  let end: UpgradeEnd = "ended";
  let failureReason: string | undefined;
  try {
    using _telling = timers.every(PROGRESS_MS, () => void tell());
    const result = await runInside(lxd, containerName, [UPGRADE_SCRIPT, target], { onLine, signal });
    if (result.code !== 0) {
      throw unknownError(`the upgrade ended with status ${result.code}: ${result.lines.at(-1) ?? "it said nothing"}`);
    }
  } catch (error) {
    const kind = errorKind(error);
    if (kind === "cancelled") end = "cancelled";
    if (kind === "deadline_exceeded") end = "unstoppable";
    failureReason = kind === "cancelled" ? "the upgrade was cancelled" : reasonOf(error);
  }
  await listener.tell("upgradeContainerStatus", {
    containerName,
    status: failureReason === undefined ? Progress.SUCCEEDED : Progress.FAILED,
    progressMessages: takeLines(),
    ...(failureReason !== undefined && { failureReason }),
  });
  return end;
}
