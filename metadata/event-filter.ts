// Which events a subscriber gets: those that a filter matches, and topics of our own only when a filter names them.
import type { LedgerEvent } from "../api/core/event.js";
import { eventAdaptor } from "../api/core/event-fields.js";
import { type Adaptor, parseFilters } from "../api/core/filters/index.js";

const OWN_TOPICS = "/berth/";

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
  const ownTopics = filter.selectors.some((all) =>
    all.some(({ path, value }) => path[0] === "topic" && value.includes(OWN_TOPICS)),
  );
  return (event) => {
    if (event.topic.startsWith(OWN_TOPICS) && !ownTopics) return false;
    return filters.length === 0 || filter.match(adaptorOf(event));
  };
}
