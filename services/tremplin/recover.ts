// What is done once LXD answers, before it is said to have started: an earlier server on this LXD may have been killed half-way.
import { reconcileRecords } from "./container-record.js";
import { recoverCreate } from "./recover-create.js";
import { recoverTransfer } from "./recover-transfer.js";
import type { Tremplin } from "./tremplin.js";

type Recovery = (tremplin: Tremplin) => Promise<void>;

/** In this order; records come last, when every instance has the name that it keeps. */
const recoveries: readonly Recovery[] = [recoverCreate, recoverTransfer, reconcileRecords];

/** One that fails is logged and does not keep the others, or LXD, from being of use. */
export async function recover(tremplin: Tremplin): Promise<void> {
  for (const recovery of recoveries) {
    try {
      await recovery(tremplin);
    } catch (err) {
      tremplin.log.warn({ recovery: recovery.name, err }, "cannot clear up after an earlier server");
    }
  }
}
