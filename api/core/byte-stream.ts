// Bytes over a stream of messages: whoever reads grants credit, whoever writes stays within it. The end is the stream's end.
// @source containerd core/transfer/streaming/{reader,writer}.go
import { Data, WindowUpdate } from "../gen/types/transfer/streaming.js";
import { invalidArgument, unavailable } from "./errors.js";
import { type Any, anyOfMessage, isTypeOf } from "./typeurl.js";

const DATA_TYPE = "containerd.types.transfer.Data";
const WINDOW_TYPE = "containerd.types.transfer.WindowUpdate";
/** What a reader grants at a time, and when it grants more. */
const WINDOW_BYTES = 65_536;
const MAX_DATA_BYTES = 32_768;

/** One end of a stream of messages. */
export interface MessageStream {
  readonly incoming: AsyncIterable<Any>;
  send(message: Any): Promise<void>;
}

/** What the other end writes. @throws invalid_argument for messages that are none of this. */
export async function* readBytes(stream: MessageStream): AsyncGenerator<Uint8Array> {
  let windowBytes = 0;
  const grant = async (): Promise<void> => {
    if (windowBytes >= WINDOW_BYTES) return;
    windowBytes += WINDOW_BYTES;
    await stream.send(anyOfMessage(WINDOW_TYPE, WindowUpdate, { update: WINDOW_BYTES }));
  };
  await grant();
  for await (const message of stream.incoming) {
    if (!isTypeOf(message, DATA_TYPE))
      throw invalidArgument(`a byte stream holds a message of type ${message.typeUrl}`);
    const { data } = decoded(Data, message);
    windowBytes -= data.length;
    if (windowBytes < 0) throw invalidArgument("more bytes were sent than had been granted");
    yield data;
    await grant();
  }
}

interface Decoder<T> {
  decode(bytes: Uint8Array): T;
}

function decoded<T>(codec: Decoder<T>, { typeUrl, value }: Any): T {
  try {
    return codec.decode(value);
  } catch (error) {
    throw invalidArgument(`the ${typeUrl} is malformed`, error);
  }
}

function creditOf(message: Any): number {
  if (!isTypeOf(message, WINDOW_TYPE))
    throw invalidArgument(`a byte stream holds a message of type ${message.typeUrl}`);
  const { update } = decoded(WindowUpdate, message);
  if (update < 0) throw invalidArgument(`a window of ${update} bytes`);
  return update;
}

/** Writes; resolves when all is sent. The caller ends the stream. @throws unavailable when the other end stops reading. */
export async function writeBytes(stream: MessageStream, source: AsyncIterable<Uint8Array>): Promise<void> {
  const updates = stream.incoming[Symbol.asyncIterator]();
  let creditBytes = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      while (creditBytes <= 0) {
        const next = await updates.next();
        if (next.done === true) throw unavailable("the other end of the stream reads no more");
        creditBytes += creditOf(next.value);
      }
      const sizeBytes = Math.min(chunk.length - at, MAX_DATA_BYTES, creditBytes);
      const data = Buffer.from(chunk.buffer, chunk.byteOffset + at, sizeBytes);
      await stream.send(anyOfMessage(DATA_TYPE, Data, { data }));
      creditBytes -= sizeBytes;
      at += sizeBytes;
    }
  }
}
