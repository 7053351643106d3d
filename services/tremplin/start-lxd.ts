// StartLxd: starts LXD; the listener is told how it ended.
import {
  StartLxdProgress_Status as Progress,
  type StartLxdRequest,
  StartLxdResponse,
  StartLxdResponse_Status as Status,
} from "../../api/gen/vm_tools/tremplin.js";
import { bringUpLxd } from "./bring-up-lxd.js";
import { reasonOf } from "./failure.js";
import { recover } from "./recover.js";
import type { Tremplin } from "./tremplin.js";
import { watches } from "./watches.js";

/** While LXD is being started for somebody else, his start is this one's too. */
export async function startLxd(tremplin: Tremplin, { resetLxdDb }: StartLxdRequest): Promise<StartLxdResponse> {
  const { engine, work } = tremplin;
  if (engine.isStarted()) return StartLxdResponse.fromPartial({ status: Status.ALREADY_RUNNING });
  if (engine.begin()) work.run("start LXD", (signal) => start(tremplin, resetLxdDb, signal));
  return StartLxdResponse.fromPartial({ status: Status.STARTING });
}

async function start(tremplin: Tremplin, wantsReset: boolean, signal: AbortSignal): Promise<void> {
  const { engine, listener, log } = tremplin;
  try {
    await bringUpLxd(tremplin, wantsReset, signal);
    await recover(tremplin);
    await tremplin.watching.begin(watches.map((watch) => () => watch(tremplin)));
  } catch (err) {
    log.error({ err }, "lxd was not started");
    engine.finish(false);
    const failureReason = `Starting LXD failed: ${reasonOf(err)}`;
    await listener.tell("updateStartLxdStatus", { status: Progress.FAILED, failureReason });
    return;
  }
  engine.finish(true);
  await listener.tell("updateStartLxdStatus", { status: Progress.STARTED });
}
