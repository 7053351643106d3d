// The client's ends of streams that other calls refer to by name.
// @source containerd core/streaming/proxy/streaming.go, core/transfer/streaming/stream.go
import { randomBytes } from "node:crypto";
import type { MessageStream } from "../core/byte-stream.js";
import type { RequestContext } from "../core/context.js";
import type { Any } from "../core/typeurl.js";
import { anyOfMessage } from "../core/typeurl.js";
import { StreamInit, StreamingService } from "../gen/services/streaming/v1/streaming.js";
import type { Channel } from "./channel.js";
import type { DuplexCall } from "./duplex-call.js";

const INIT_TYPE = "containerd.services.streaming.v1.StreamInit";

/** An open stream. Disposing gives it up, whatever is under way. */
export class RemoteStream implements MessageStream, Disposable {
  readonly id: string;
  readonly #call: DuplexCall<Any, Any>;

  private constructor(id: string, call: DuplexCall<Any, Any>) {
    this.id = id;
    this.#call = call;
  }

  /** Opens a stream under an id of its own; the daemon knows it when this resolves. @throws not_implemented by an old daemon. */
  static async open(channel: Channel, ctx: RequestContext, prefix: string): Promise<RemoteStream> {
    const id = `${prefix}-${process.hrtime.bigint() % 1_000_000_000n}-${randomBytes(3).toString("base64url")}`;
    const call = channel.duplex(StreamingService.stream, ctx);
    try {
      await call.ask(anyOfMessage(INIT_TYPE, StreamInit, { id }));
      return new RemoteStream(id, call);
    } catch (error) {
      call.cancel();
      throw error;
    }
  }

  /** What the daemon sends, until it ends the stream. For one reader. */
  get incoming(): AsyncIterable<Any> {
    return this.#messages();
  }

  async *#messages(): AsyncGenerator<Any> {
    for (let next = await this.#call.receive(); next !== undefined; next = await this.#call.receive()) yield next;
  }

  async send(message: Any): Promise<void> {
    this.#call.send(message);
  }

  /** Says that nothing more will be sent. */
  end(): void {
    this.#call.end();
  }

  [Symbol.dispose](): void {
    this.#call.cancel();
  }
}
