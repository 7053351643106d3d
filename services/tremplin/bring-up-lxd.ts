// From no LXD to one that can be used: with its database, or with a new one in which the containers that lie in storage are taken up.
import { join } from "node:path";
import { StartLxdProgress_Status as Progress } from "../../api/gen/vm_tools/tremplin.js";
import { recoverVolumes } from "../../runtime/lxd/recover.js";
import {
  finishMove,
  hasOnlyContainer,
  isMoveUnfinished,
  isSomethingLeft,
  moveAside,
  movePoolAside,
  putBack,
} from "./lxd-database.js";
import { POOL, setUpLxd, setUpNetwork } from "./lxd-setup.js";
import { DEFAULT_CONTAINER } from "./names.js";
import type { Tremplin } from "./tremplin.js";

/** Resolves when LXD has all that containers need. @throws the reason why there is none. */
export async function bringUpLxd(tremplin: Tremplin, wantsReset: boolean, signal: AbortSignal): Promise<void> {
  const { lxdDir, engine, log } = tremplin;
  if (await isMoveUnfinished(lxdDir)) {
    log.warn({ lxdDir }, "an earlier reset was cut off, so the database from before it is put back");
    await tellRecovering(tremplin);
    await endLxd(tremplin, signal);
    await putBack(lxdDir);
  }
  if (wantsReset) {
    await resetOrPutBack(tremplin, signal);
    return;
  }
  try {
    await engine.launch(signal);
  } catch (err) {
    if (signal.aborted || !(await hasOnlyContainer(poolDir(tremplin), DEFAULT_CONTAINER))) throw err;
    log.warn({ err }, "lxd does not start, so it is given a new database");
    await tellRecovering(tremplin);
    await resetOrPutBack(tremplin, signal);
    return;
  }
  await setUpLxd(tremplin);
}

/** @throws when LXD is of no use with the old database either */
async function resetOrPutBack(tremplin: Tremplin, signal: AbortSignal): Promise<void> {
  const { lxdDir, engine, log } = tremplin;
  await endLxd(tremplin, signal);
  await moveAside(lxdDir);
  try {
    await engine.launch(signal);
    await setUpNetwork(tremplin);
    const pool = { name: POOL, driver: "dir", source: poolDir(tremplin) };
    const volumes = await recoverVolumes(tremplin.lxd, pool);
    log.info({ volumes: volumes.map(({ type, name }) => `${type} ${name}`) }, "lxd has a new database");
    // LXD makes no pool in a folder that is there.
    if (volumes.length === 0) await movePoolAside(lxdDir, POOL);
    await setUpLxd(tremplin);
    await finishMove(lxdDir);
  } catch (err) {
    // The next start puts it back, when this server is about to end.
    if (signal.aborted) throw err;
    log.warn({ err }, "the new database is no good, so the one from before is put back");
    await tellRecovering(tremplin);
    await engine.stop("SIGPWR");
    await putBack(lxdDir);
    await engine.launch(signal);
    await setUpLxd(tremplin);
  }
}

/**
 * One that an earlier server left running, with its containers: their storage must not be in use. What one left that was killed itself
 * is ended in order where it can be started once more.
 */
async function endLxd({ lxdDir, engine, log }: Tremplin, signal: AbortSignal): Promise<void> {
  if (!(await engine.isThere()) && !(await isSomethingLeft(lxdDir))) return;
  log.info({}, "lxd is ended for its new database");
  try {
    await engine.launch(signal);
  } catch (err) {
    if (signal.aborted) throw err;
    log.warn({ err }, "what lxd left running goes on");
  }
  await engine.stop("SIGPWR");
}

async function tellRecovering({ listener }: Tremplin): Promise<void> {
  await listener.tell("updateStartLxdStatus", { status: Progress.RECOVERING });
}

const poolDir = ({ lxdDir }: Tremplin): string => join(lxdDir, "storage-pools", POOL);
