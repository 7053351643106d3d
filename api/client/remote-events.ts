// The events of a daemon, as they happen, and events of our own sent to it.
// @source containerd client/events.go
import type { RequestContext } from "../core/context.js";
import type { EventEnvelope } from "../core/event.js";
import { fromTimestamp, toTimestamp } from "../core/time.js";
import type { Any } from "../core/typeurl.js";
import { EventsService } from "../gen/services/events/v1/events.js";
import type { Channel } from "./channel.js";

export class RemoteEvents {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /**
   * Live events of all namespaces, one of the filters matching if there are any, for as long as the consumer reads and the signal
   * is not aborted. The request leaves at once; the daemon does not tell when it has taken effect. To be consumed once.
   * @throws from the iteration: `unknown` for a bad filter, `cancelled` after an abort.
   */
  subscribe(
    options: { readonly filters?: readonly string[]; readonly signal?: AbortSignal | undefined } = {},
  ): AsyncIterable<EventEnvelope> {
    const request = { filters: [...(options.filters ?? [])] };
    const messages = this.#channel.stream(EventsService.subscribe, request, { signal: options.signal });
    return {
      async *[Symbol.asyncIterator]() {
        for await (const { timestamp, namespace, topic, event } of messages) {
          yield { timestampNs: fromTimestamp(timestamp), namespace, topic, event };
        }
      },
    };
  }

  /** An event of now, in the context's namespace. @throws invalid_argument for a malformed topic. */
  async publish(ctx: RequestContext, topic: string, event: Any): Promise<void> {
    await this.#channel.unary(EventsService.publish, { topic, event }, ctx);
  }

  /** An event with its own time and namespace. @throws invalid_argument for either. */
  async forward(ctx: RequestContext, { timestampNs, namespace, topic, event }: EventEnvelope): Promise<void> {
    const envelope = { timestamp: toTimestamp(timestampNs), namespace, topic, event };
    await this.#channel.unary(EventsService.forward, { envelope }, ctx);
  }
}
