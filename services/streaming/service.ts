// streaming.v1: the client opens a stream and names it; the answer says that the name can be used.
// @source containerd plugins/services/streaming/service.go
import { invalidArgument } from "../../api/core/errors.js";
import { defineService } from "../../api/core/handler.js";
import { type Any, anyOfMessage, isTypeOf } from "../../api/core/typeurl.js";
import { Empty } from "../../api/gen/google/protobuf/empty.js";
import { StreamInit, StreamingService } from "../../api/gen/services/streaming/v1/streaming.js";
import type { Streams } from "../streams.js";

const INIT_TYPE = "containerd.services.streaming.v1.StreamInit";

/** What of it is still to come, after the first message was taken off. */
async function* rest(iterator: AsyncIterator<Any>): AsyncGenerator<Any> {
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
}

export const defineStreamingService = ({ streams }: { readonly streams: Streams }) =>
  defineService(StreamingService, {
    async *stream(requests, ctx) {
      const iterator = requests[Symbol.asyncIterator]();
      const first = await iterator.next();
      if (first.done === true || !isTypeOf(first.value, INIT_TYPE)) {
        throw invalidArgument("the first message of a stream must be a StreamInit");
      }
      const { id } = decodeInit(first.value);
      const ack = anyOfMessage("google.protobuf.Empty", Empty, {});
      yield* streams.serve(ctx, id, ack, rest(iterator));
    },
  });

function decodeInit({ value }: Any): StreamInit {
  try {
    return StreamInit.decode(value);
  } catch (error) {
    throw invalidArgument("the StreamInit is malformed", error);
  }
}
