// The daemon's connection to a bridge that runs: requests with answers. `name` is how messages call the bridge.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { unavailable, wrapError } from "../../api/core/errors.js";
import type { Logger } from "../../api/core/log.js";
import { hasCode } from "../sys/errno.js";
import { decode, encode, errorFrom, linesOf, messageSchema, PROTOCOL, type Request } from "./protocol.js";
import { shortAddress } from "./socket-address.js";

/** For one that runs to say so. */
const ANSWER_TIMEOUT_MS = 10_000;

type WithoutId<T> = T extends unknown ? Omit<T, "id"> : never;
/** A request as it is made: the connection counts. */
export type Asked = WithoutId<Exclude<Request, { verb: "cancel" }>>;

interface Waiting {
  readonly resolve: (value: string[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Disposing closes it; what waits for an answer then fails. */
export class BridgeConnection implements Disposable {
  /** Resolves when it is closed, from either side. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #name: string;
  readonly #log: Logger;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #isClosed = false;

  /** @returns undefined when no bridge listens there, or one that is just ending. @throws failed_precondition for one of another version; unavailable for one that does not answer. */
  static async open(name: string, socketPath: string, log: Logger): Promise<BridgeConnection | undefined> {
    const socket = await dial(name, socketPath);
    if (socket === undefined) return undefined;
    const connection = new BridgeConnection(name, socket, log);
    let isSilent = false;
    const timer = setTimeout(() => {
      isSilent = true;
      connection[Symbol.dispose]();
    }, ANSWER_TIMEOUT_MS);
    try {
      await connection.ask({ verb: "hello", protocol: PROTOCOL });
      return connection;
    } catch (error) {
      // It may have streams, so it must not be replaced.
      if (isSilent) throw unavailable(`${name} at ${socketPath} does not answer`, error);
      if (connection.isClosed) return undefined;
      connection[Symbol.dispose]();
      throw wrapError(`${name} at ${socketPath}`, error);
    } finally {
      clearTimeout(timer);
    }
  }

  private constructor(name: string, socket: Socket, log: Logger) {
    this.#name = name;
    this.#socket = socket;
    this.#log = log;
    socket.on("error", () => {});
    this.closed = this.#listen();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @returns what is asked for: keys, an exit, or nothing. @throws what the bridge answers; unavailable when the connection ends before. */
  async ask(asked: Asked, signal?: AbortSignal): Promise<string[]> {
    signal?.throwIfAborted();
    this.#lastId += 1;
    const id = this.#lastId;
    const cancel = (): void => this.#send({ verb: "cancel", id });
    try {
      return await new Promise<string[]>((resolve, reject) => {
        if (this.#isClosed) throw unavailable(this.#name);
        this.#waiting.set(id, { resolve, reject });
        this.#send({ ...asked, id });
        signal?.addEventListener("abort", cancel, { once: true });
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", cancel);
      this.#waiting.delete(id);
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #send(request: Request): void {
    this.#socket.write(encode(request));
  }

  async #listen(): Promise<void> {
    try {
      for await (const line of linesOf(this.#socket)) this.#receive(line);
    } catch (err) {
      if (!this.#socket.destroyed) this.#log.warn({ err }, `what the ${this.#name} says is not understood`);
    } finally {
      this.#socket.destroy();
      this.#isClosed = true;
      for (const { reject } of this.#waiting.values()) reject(unavailable(this.#name));
    }
  }

  #receive(line: string): void {
    const message = decode(messageSchema, line);
    if ("log" in message) {
      const { level, fields, message: said } = message.log;
      this.#log[level](fields, said);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    if ("error" in message) waiting?.reject(errorFrom(message.error));
    else waiting?.resolve(message.value);
  }
}

async function dial(name: string, socketPath: string): Promise<Socket | undefined> {
  try {
    using address = shortAddress(socketPath);
    const socket = connect(address.path);
    await once(socket, "connect");
    return socket;
  } catch (error) {
    if (hasCode(error, "ENOENT", "ECONNREFUSED", "ECONNRESET")) return undefined;
    throw unavailable(`${name} at ${socketPath}`, error);
  }
}
