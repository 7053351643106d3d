// The events of a daemon, as they happen, and events of our own sent to it.
// @source containerd client/events.go
import type { RequestContext } from "../core/context.js";
import { invalidArgument } from "../core/errors.js";
import type { EventEnvelope } from "../core/event.js";
import { validateIdentifier } from "../core/identifiers.js";
import { fromTimestamp, toTimestamp } from "../core/time.js";
import type { Any } from "../core/typeurl.js";
import { EventsService } from "../gen/services/events/v1/events.js";
import type { Channel } from "./channel.js";
import type { DaemonEvent, EventOf, EventTopic } from "./events/daemon-event.js";

/** Which events `RemoteEvents.follow` gives, and for how long. Without any: those of the client's namespace, without end. */
export interface FollowOptions {
  /** Default: that of the client, or all when it has none; "" for all. */
  readonly namespace?: string | undefined;
  /** As the daemon knows them (`topic=="/tasks/exit",event.container_id==web`), one of which must match; they stand for everything else. */
  readonly filters?: readonly string[] | undefined;
  /** Its abort ends the iteration with an error of kind cancelled. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The events of a daemon: iterated, those of the client's namespace, or of all when it has none. Each use is a call of its own and
 * begins with what happens then; a Berth daemon that has just been started again first tells how the tasks ended that it missed.
 */
export class RemoteEvents implements AsyncIterable<DaemonEvent> {
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

  /**
   * Live events with their payloads decoded, for as long as the consumer reads. With `topics` only those, and only with the payloads
   * that they should have; without, all but the topics that begin with `/berth/`. The request leaves at once; the daemon does not
   * tell when it has taken effect. To be consumed once; leaving the loop ends the call.
   * @throws invalid_argument for a topic or namespace that cannot be; from the iteration: `unknown` for a bad filter, `cancelled` after an
   * abort, `unavailable` when the daemon goes away: events of that time are missed.
   */
  follow<Topic extends EventTopic>(
    options: FollowOptions & { readonly topics: readonly Topic[] },
  ): AsyncIterable<{ [Each in Topic]: EventOf<Each> }[Topic]>;
  /** The same without `topics`. @throws likewise. */
  follow(options?: FollowOptions): AsyncIterable<DaemonEvent>;
  follow(options: FollowOptions & { readonly topics?: readonly string[] } = {}): AsyncIterable<DaemonEvent> {
    const { topics, signal } = options;
    const filters = options.filters ?? filtersOf(topics, options.namespace ?? this.#channel.namespace ?? "");
    const envelopes = this.subscribe({ filters, signal });
    return {
      async *[Symbol.asyncIterator]() {
        // The messages of all events are much code, and few clients look at any.
        const { toDaemonEvent } = await import("./events/daemon-event.js");
        for await (const envelope of envelopes) {
          const event = toDaemonEvent(envelope);
          if (topics === undefined || topics.includes(event.topic)) yield event;
        }
      },
    };
  }

  /** All events of the client's namespace, as {@link follow} without options. */
  [Symbol.asyncIterator](): AsyncIterator<DaemonEvent> {
    return this.follow()[Symbol.asyncIterator]();
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

/** @throws invalid_argument for what would be no topic or no namespace. */
function filtersOf(topics: readonly string[] | undefined, namespace: string): string[] {
  if (namespace !== "") validateIdentifier(namespace);
  const scope = namespace === "" ? [] : [`namespace==${namespace}`];
  if (topics === undefined) return scope;
  if (topics.length === 0) throw invalidArgument("topics must name at least one");
  return topics.map((topic) => {
    if (!/^(?:\/[A-Za-z0-9._-]+)+$/.test(topic)) throw invalidArgument(`${JSON.stringify(topic)} is no topic`);
    return [`topic=="${topic}"`, ...scope].join(",");
  });
}
