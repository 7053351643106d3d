// Which events a subscriber gets: those that a filter matches, and topics that its containerd may not know only when a filter
// names them.
import type { LedgerEvent } from "../api/core/event.js";
import { eventAdaptor } from "../api/core/event-fields.js";
import { type Adaptor, parseFilters } from "../api/core/filters/index.js";

/** Ours, and one that containerd publishes since 2.1: a client of an older one would trip over its payload. */
const UNASKED_TOPICS = ["/berth/", "/content/create"];

/** One adaptor per event, however many subscribers look at it: it decodes the payload. */
const adaptors = new WeakMap<LedgerEvent, Adaptor>();

function adaptorOf(event: LedgerEvent): Adaptor {
  const known = adaptors.get(event);
  if (known !== undefined) return known;
  const adaptor = eventAdaptor(event);
  adaptors.set(event, adaptor);
  return adaptor;
}

/** @throws invalid_argument for a bad filter. */
export function eventMatcher(filters: readonly string[]): (event: LedgerEvent) => boolean {
  const filter = parseFilters(filters);
  const unwanted = UNASKED_TOPICS.filter(
    (topic) => !filter.selectors.flat().some(({ path, value }) => path[0] === "topic" && value.includes(topic)),
  );
  return (event) => {
    if (unwanted.some((topic) => event.topic.startsWith(topic))) return false;
    return filters.length === 0 || filter.match(adaptorOf(event));
  };
}

/** Which events are of a time: from `sinceNs` on, before `untilNs`; undefined for no limit. */
export function withinTimes(
  sinceNs: bigint | undefined,
  untilNs: bigint | undefined,
): (event: Pick<LedgerEvent, "timestampNs">) => boolean {
  return ({ timestampNs = 0n }) =>
    (sinceNs === undefined || timestampNs >= sinceNs) && (untilNs === undefined || timestampNs < untilNs);
}
