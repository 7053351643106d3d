// berth events: what happens in the daemon, one line an event, until it is interrupted.
import type { EventEnvelope } from "../../../api/core/event.js";
import { decodeEvent } from "../../../api/core/event-fields.js";
import { formatTime } from "../../../api/core/time.js";
import { defineCommand } from "../command.js";
import { renderJson } from "../render/json.js";
import { goTime } from "../render/time.js";

export const command = defineCommand({
  arguments: "[filters...]",
  formats: true,
  help: `Events of all namespaces, from now on. Filters, of which one must match: topic=="/tasks/exit", namespace==default,
event.container_id==web, topic~=^/tasks. With --format json or jsonl each event is one line of JSON.`,
  run: async ({ client, request, output }, filters) => {
    const print = output.format === "table" || output.format === "wide" ? textLine : jsonLine;
    output.endWithReader();
    const events = client.events.subscribe({ filters, signal: request.signal });
    for await (const envelope of events) output.line(print(envelope));
  },
});

/** As ctr prints it. */
function textLine(envelope: EventEnvelope): string {
  const { timestampNs, namespace, topic } = envelope;
  return `${goTime(timestampNs)} ${namespace} ${topic} ${renderJson(payloadOf(envelope), 0)}`;
}

function jsonLine(envelope: EventEnvelope): string {
  const { timestampNs, namespace, topic, event } = envelope;
  const timestamp = formatTime(timestampNs);
  return renderJson({ timestamp, namespace, topic, type: event?.typeUrl, event: payloadOf(envelope) }, 0);
}

/** The payload's fields; of a type unknown here its name and its bytes. */
function payloadOf({ event }: EventEnvelope): unknown {
  if (event === undefined) return {};
  return decodeEvent(event) ?? { type_url: event.typeUrl, value: event.value };
}
