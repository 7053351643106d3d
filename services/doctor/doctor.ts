// The doctor: asks every examiner in turn, mends what it may, and leaves a trace of that in the ledger.
import type { Doctor, Examiner, Finding } from "../../api/core/doctor.js";
import type { Logger } from "../../api/core/log.js";
import type { TaskLedger } from "../../api/core/task-ledger.js";
import type { Clock } from "../../api/core/time.js";
import { anyOfMessage } from "../../api/core/typeurl.js";
import { Finding as FindingMessage } from "../../api/gen/berth/v1/doctor.js";

const REPAIRED_TOPIC = "/berth/doctor/repaired";
/** Of events about what belongs to no namespace. */
const NO_NAMESPACE = "default";

export interface DoctorDeps {
  /** In this order; a later one sees what an earlier one's repairs have left. */
  readonly examiners: readonly Examiner[];
  /** Told, not appended: what has happened already is taken on a full disk too. */
  readonly events: Pick<TaskLedger, "tell">;
  readonly clock: Clock;
  readonly log: Logger;
}

export function createDoctor({ examiners, events, clock, log }: DoctorDeps): Doctor {
  async function mend(found: Finding, repair: () => Promise<boolean>): Promise<Finding> {
    try {
      if (!(await repair())) return found;
    } catch (err) {
      log.warn({ err, kind: found.kind, subject: found.subject }, "repair failed");
      return {
        ...found,
        detail: `${found.detail}; repair failed: ${err instanceof Error ? err.message : String(err)}`,
      };
    }
    const mended = { ...found, repaired: true };
    const namespace = mended.namespace === "" ? NO_NAMESPACE : mended.namespace;
    const event = anyOfMessage("berth.v1.Finding", FindingMessage, FindingMessage.fromPartial(mended));
    await events.tell([{ timestampNs: clock(), namespace, topic: REPAIRED_TOPIC, event }]);
    log.info({ kind: found.kind, namespace, subject: found.subject }, "repaired");
    return mended;
  }

  return {
    async *check({ signal }, options) {
      for (const examiner of examiners) {
        for await (const { repair, ...discovery } of examiner.examine(signal)) {
          signal?.throwIfAborted();
          const found: Finding = { ...discovery, repairable: repair !== undefined, repaired: false };
          yield options.repair && repair !== undefined ? await mend(found, repair) : found;
        }
      }
    },
  };
}
