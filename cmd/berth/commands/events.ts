// berth events: what happens in the daemon, one line an event, until it is interrupted; or what has happened, from the ledger.
import type { PastEvent } from "../../../api/client/remote-ledger.js";
import type { EventEnvelope } from "../../../api/core/event.js";
import { decodeEvent } from "../../../api/core/event-fields.js";
import { formatTime, systemClock } from "../../../api/core/time.js";
import { ofBerthdOnly } from "../berthd-only.js";
import { type CommandContext, defineCommand } from "../command.js";
import { collect, parseLimit } from "../flags.js";
import { renderJson } from "../render/json.js";
import { goTime } from "../render/time.js";
import { type TimeRangeFlags, timeRangeOptions } from "../time-flag.js";

interface EventsFlags extends TimeRangeFlags {
  filter?: readonly string[];
  follow?: boolean;
  after?: number;
}

export const command = defineCommand<EventsFlags>({
  arguments: "[filters...]",
  lists: "document",
  help: `Events of all namespaces. As they happen, unless a flag asks for those of the past, which berthd alone keeps; with --follow
nothing is lost when the daemon is restarted. Filters, of which one must match: topic=="/tasks/exit", namespace==default,
event.container_id==web, topic~=^/tasks. With --format json or jsonl each event is one line of JSON.`,
  examples: [
    { line: "berth events", does: "what happens from now on, as ctr shows it" },
    { line: `berth events --since 1h --filter 'topic=="/tasks/exit"'`, does: "what has ended within the last hour" },
    { line: "berth events --since 10m --follow", does: "the last ten minutes, and on from there" },
    { line: "berth events --fields timestamp,event.container_id", does: "two fields of each, with a tab between them" },
  ],
  completes: ["none"],
  options: (command) => {
    for (const option of timeRangeOptions("events")) command.addOption(option);
    command
      .option("--filter <filter>", "one more filter", collect)
      .option("--after <seq>", "only those behind this number, which their JSON form has", parseLimit)
      .option("-f, --follow", "after the events of the past, those that come");
  },
  run: async (context, args, flags) => {
    const { output } = context;
    output.endWithReader();
    const filters = [...args, ...(flags.filter ?? [])];
    for await (const envelope of eventsOf(context, filters, flags)) {
      output.record(
        () => jsonOf(envelope),
        () => textLine(envelope),
      );
    }
  },
});

/** Only those that happen, as ctr has them; with a flag that asks for more, those of the ledger. */
function eventsOf(
  { client, request }: CommandContext,
  filters: readonly string[],
  { since, until, after, follow = false }: EventsFlags,
): AsyncIterable<EventEnvelope | PastEvent> {
  if ([since, until, after].every((limit) => limit === undefined) && !follow)
    return client.events.subscribe({ filters, signal: request.signal });
  // Without a beginning, following is about the present.
  const sinceNs = since ?? (follow && after === undefined ? systemClock() : undefined);
  const position = after === undefined ? undefined : BigInt(after);
  const events = client.ledger.read(request, { filters, after: position, sinceNs, untilNs: until, follow });
  return ofBerthdOnly("past events are kept", events);
}

/** As ctr prints it. */
function textLine(envelope: EventEnvelope): string {
  const { timestampNs, namespace, topic } = envelope;
  return `${goTime(timestampNs)} ${namespace} ${topic} ${renderJson(payloadOf(envelope), 0)}`;
}

function jsonOf(envelope: EventEnvelope | PastEvent): unknown {
  const { timestampNs, namespace, topic, event } = envelope;
  const timestamp = formatTime(timestampNs);
  const position = "seq" in envelope ? { seq: Number(envelope.seq) } : {};
  return { ...position, timestamp, namespace, topic, type: event?.typeUrl, event: payloadOf(envelope) };
}

/** The payload's fields; of a type unknown here its name and its bytes. */
function payloadOf({ event }: EventEnvelope): unknown {
  if (event === undefined) return {};
  return decodeEvent(event) ?? { type_url: event.typeUrl, value: event.value };
}
