// A WebSocket to LXD: messages in, messages out, and nobody reads or writes faster than the other side. LXD ends a stream of bytes by
// an empty text message.
import { createHash, randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { ContainerdError } from "../../api/core/errors.js";
import { encodeFrame, FrameReader, OPCODE } from "./frames.js";
import type { CallOptions, LxdServer } from "./server.js";

/** From the protocol: proves that the other side speaks it. @source RFC 6455 section 1.3 */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** Of one message. */
const MAX_MESSAGE_BYTES = 16_777_216;

export interface Message {
  readonly isText: boolean;
  readonly data: Buffer;
}

/** Disposing closes it. */
export interface WebSocketConnection extends Disposable {
  /**
   * Until the other side ends; reads no faster than it is asked. May be taken once.
   * @throws unavailable when the connection breaks; data_loss.
   */
  messages(): AsyncGenerator<Message>;
  /** Resolves when more may be sent. @throws unavailable when the connection is broken or closed. */
  send(data: Uint8Array | string): Promise<void>;
}

export interface WebSocketOptions extends CallOptions {
  /**
   * For a connection that LXD closes on whoever is silent. Not for streams of processes: what is written to one whose process has just
   * ended breaks the connection before the rest of it is read.
   */
  readonly answersPings?: boolean;
}

/** @throws as `LxdServer.ask`. */
export async function openWebSocket(
  server: LxdServer,
  what: string,
  path: string,
  { answersPings = false, ...options }: WebSocketOptions = {},
): Promise<WebSocketConnection> {
  const key = randomBytes(16).toString("base64");
  const { socket, headers } = await server.upgrade(
    what,
    {
      path,
      headers: {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": key,
      },
    },
    options,
  );
  const expected = createHash("sha1").update(`${key}${GUID}`).digest("base64");
  if (headers["sec-websocket-accept"] !== expected) {
    socket.destroy();
    throw new ContainerdError("data_loss", `lxd: ${what}: no websocket answered: data loss`);
  }
  return new Connection(what, socket, answersPings);
}

class Connection implements WebSocketConnection {
  readonly #what: string;
  readonly #socket: Duplex;
  readonly #answersPings: boolean;
  readonly #reader = new FrameReader(MAX_MESSAGE_BYTES);

  constructor(what: string, socket: Duplex, answersPings: boolean) {
    this.#what = what;
    this.#socket = socket;
    this.#answersPings = answersPings;
    // Whoever reads or writes is told; if nobody does, nobody minds.
    socket.on("error", () => {});
  }

  async *messages(): AsyncGenerator<Message> {
    let parts: Buffer[] = [];
    let sizeBytes = 0;
    let isText = false;
    try {
      for await (const chunk of this.#socket) {
        for (const { opcode, isLast, data } of this.#reader.push(chunk)) {
          if (opcode === OPCODE.close) return;
          if (opcode === OPCODE.ping && this.#answersPings) this.#socket.write(encodeFrame(OPCODE.pong, data));
          if (opcode > OPCODE.binary) continue;
          if (opcode !== OPCODE.continuation) isText = opcode === OPCODE.text;
          parts.push(data);
          sizeBytes += data.length;
          if (sizeBytes > MAX_MESSAGE_BYTES) {
            throw new ContainerdError("data_loss", `lxd: ${this.#what}: a message has no end: data loss`);
          }
          if (!isLast) continue;
          const [only] = parts;
          yield { isText, data: parts.length === 1 && only !== undefined ? only : Buffer.concat(parts) };
          parts = [];
          sizeBytes = 0;
        }
      }
    } catch (error) {
      throw error instanceof ContainerdError ? error : this.#broken(error);
    }
  }

  async send(data: Uint8Array | string): Promise<void> {
    const socket = this.#socket;
    if (!socket.writable) throw this.#broken();
    const isText = typeof data === "string";
    const frame = encodeFrame(isText ? OPCODE.text : OPCODE.binary, isText ? Buffer.from(data) : data);
    if (socket.write(frame)) return;
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => {
        socket.off("drain", onDrain);
        socket.off("close", onClose);
      };
      const onDrain = (): void => {
        stop();
        resolve();
      };
      const onClose = (): void => {
        stop();
        reject(this.#broken());
      };
      socket.on("drain", onDrain);
      socket.on("close", onClose);
    });
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #broken(cause?: unknown): ContainerdError {
    const text = `lxd: ${this.#what}: the connection is broken: unavailable`;
    return new ContainerdError("unavailable", text, cause === undefined ? undefined : { cause });
  }
}
