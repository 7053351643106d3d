// What a subscriber that lost its daemon is told first. Nobody can subscribe while no daemon is there, and a client needs a moment
// to find the next one; the Docker engine hears of exits from its subscription alone and would wait for one forever.
import type { EventLedger, LedgerEvent } from "../../api/core/event.js";
import { eventAdaptor } from "../../api/core/event-fields.js";
import type { TaskLedger } from "../../api/core/task-ledger.js";
import type { Clock } from "../../api/core/time.js";

/** How long after the start a client is believed to come back, in nanoseconds. */
const RETURN_NS = 30_000_000_000n;

/** Taken before the tasks of a former daemon are looked at. */
export interface CatchUp {
  /** Where the ledger ended. */
  readonly after: bigint;
  /** The tasks whose end nobody had been told, as `namespace/id`. */
  readonly tasks: ReadonlySet<string>;
  readonly untilNs: bigint;
}

export async function catchUpFrom(ledger: TaskLedger, clock: Clock): Promise<CatchUp> {
  const open = await ledger.openProcesses();
  const tasks = new Set(open.map(({ namespace, containerId }) => `${namespace}/${containerId}`));
  return { after: ledger.position, tasks, untilNs: clock() + RETURN_NS };
}

export interface Place {
  /** The position behind which to subscribe; absent: now. */
  readonly after?: bigint;
  isFor(event: LedgerEvent): boolean;
}

/** Where a new subscriber begins: with what became of those tasks since the start, then with what is new. */
export function placeOf({ after, tasks, untilNs }: CatchUp, ledger: EventLedger, clock: Clock): Place {
  const now = ledger.position;
  if (tasks.size === 0 || clock() >= untilNs || after === now) return { isFor: () => true };
  const isMissed = (event: LedgerEvent): boolean => {
    const id = event.topic.startsWith("/tasks/") && eventAdaptor(event)(["event", "container_id"]);
    return typeof id === "string" && tasks.has(`${event.namespace}/${id}`);
  };
  return { after, isFor: (event) => event.seq > now || isMissed(event) };
}
