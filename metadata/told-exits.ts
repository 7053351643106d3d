// How a process ended, as the ledger told it: for whoever has to tell more of it when nobody else can be asked any more.
import type { EventEnvelope } from "../api/core/event.js";
import type { ProcessExit } from "../api/core/task.js";
import type { OpenProcess } from "../api/core/task-ledger.js";
import { fromTimestamp } from "../api/core/time.js";
import { TaskExit } from "../api/gen/events/task.js";
import { Envelope } from "../api/gen/types/event.js";
import type { Reader } from "./statements.js";

export type ToldProcess = Pick<OpenProcess, "namespace" | "containerId" | "execId" | "pid">;

const EXIT_TOPIC = "/tasks/exit";
/** Newest first, by the primary key: the rows of other topics are passed over without their envelopes being read. */
const EXITS = "SELECT envelope FROM events WHERE namespace = ? AND topic = ? ORDER BY seq DESC";

/** The exit that an event tells of; undefined when it is about something else. */
export function exitToldBy(
  envelope: Pick<EventEnvelope, "namespace" | "topic" | "event">,
  process: ToldProcess,
): ProcessExit | undefined {
  if (envelope.topic !== EXIT_TOPIC || envelope.namespace !== process.namespace) return undefined;
  const { containerId, id, pid, exitStatus, exitedAt } = TaskExit.decode(envelope.event?.value ?? new Uint8Array());
  const wantedId = process.execId === "" ? process.containerId : process.execId;
  if (containerId !== process.containerId || id !== wantedId || pid !== process.pid) return undefined;
  return { pid, exitStatus, exitedAtNs: fromTimestamp(exitedAt) };
}

/** Undefined when it was not told, or so long ago that the event is gone. */
export function readToldExit(reader: Reader, process: ToldProcess): ProcessExit | undefined {
  let found: ProcessExit | undefined;
  reader.each<{ readonly envelope: Uint8Array }>(EXITS, [process.namespace, EXIT_TOPIC], ({ envelope }) => {
    const { namespace, topic, event } = Envelope.decode(envelope);
    found = exitToldBy({ namespace, topic, event }, process);
    return found === undefined;
  });
  return found;
}
