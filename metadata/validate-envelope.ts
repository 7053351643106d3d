// What an event's envelope must be: a namespace and a topic made of identifiers.
// @source containerd core/events/exchange/exchange.go
import { invalidArgument, wrapError } from "../api/core/errors.js";
import type { EventEnvelope } from "../api/core/event.js";
import { validateIdentifier } from "../api/core/identifiers.js";
import { quote } from "../api/core/quote.js";

function validateTopic(topic: string): void {
  if (topic === "") throw invalidArgument("must not be empty");
  if (!topic.startsWith("/")) throw invalidArgument("must start with '/'");
  if (topic === "/") throw invalidArgument("must have at least one component");
  for (const component of topic.slice(1).split("/")) {
    try {
      validateIdentifier(component);
    } catch (error) {
      throw wrapError(`failed validation on component ${quote(component)}`, error);
    }
  }
}

/** @throws invalid_argument. */
export function validateEnvelope(envelope: EventEnvelope): void {
  try {
    validateIdentifier(envelope.namespace);
  } catch (error) {
    throw wrapError("event envelope has invalid namespace", error);
  }
  try {
    validateTopic(envelope.topic);
  } catch (error) {
    throw wrapError(`envelope topic ${quote(envelope.topic)}`, error);
  }
}
