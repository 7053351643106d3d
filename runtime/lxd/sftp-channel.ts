// Requests of SFTP and their answers over one connection, in any order; each has a deadline. What they ask for is the callers' business.
import type { Duplex } from "node:stream";
import { ContainerdError, errorOf, unknownError } from "../../api/core/errors.js";
import { PACKET, PacketReader, PacketSplitter, PacketWriter, SFTP_STATUS } from "./sftp-packets.js";

const VERSION = 3;
/** Of the first packet, which has no number of its own. */
const FIRST = 0;

export interface SftpChannelOptions {
  /** What the session is about, for errors. */
  readonly what: string;
  /** Of each request. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

export interface SftpReply {
  readonly type: number;
  readonly fields: PacketReader;
}

interface Waiter {
  readonly resolve: (reply: SftpReply) => void;
  readonly reject: (error: Error) => void;
}

/** Disposing it ends what is asked for, and the connection. */
export class SftpChannel implements Disposable {
  readonly #socket: Duplex;
  readonly #options: SftpChannelOptions;
  readonly #splitter = new PacketSplitter();
  /** By the request's number. */
  readonly #waiters = new Map<number, Waiter>();
  #lastId = FIRST;
  #failure: Error | undefined;

  constructor(socket: Duplex, options: SftpChannelOptions) {
    const { what, signal } = options;
    this.#socket = socket;
    this.#options = options;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.once("error", (error) => this.#fail(errorOf("unavailable", `lxd: ${what}`, error)));
    socket.once("close", () => this.#fail(errorOf("unavailable", `lxd: ${what}`)));
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (signal?.aborted === true) this.#onAbort();
  }

  /** Whether nothing can be asked for any more. */
  get isOver(): boolean {
    return this.#failure !== undefined;
  }

  /** The first exchange. @throws as `ask` */
  async begin(): Promise<void> {
    await this.#exchange(FIRST, new PacketWriter().byte(PACKET.init).number(VERSION).finish());
  }

  /**
   * The end of a file or of a list is an answer like any other: of another type than was asked for.
   * @throws not_found, permission_denied, deadline_exceeded, cancelled, unavailable, or unknown with what the other side says.
   */
  async ask(type: number, path: string, fill: (packet: PacketWriter) => PacketWriter): Promise<SftpReply> {
    const id = ++this.#lastId;
    const reply = await this.#exchange(id, fill(new PacketWriter().byte(type).number(id)).finish());
    if (reply.type !== PACKET.status) return reply;
    const code = reply.fields.number();
    if (code === SFTP_STATUS.ok || code === SFTP_STATUS.end) return reply;
    const subject = `lxd: ${this.#options.what}: ${path}: ${reply.fields.text()}`;
    if (code === SFTP_STATUS.noSuchFile) throw errorOf("not_found", subject);
    if (code === SFTP_STATUS.permissionDenied) throw errorOf("permission_denied", subject);
    throw unknownError(subject);
  }

  [Symbol.dispose](): void {
    this.#fail(errorOf("cancelled", `lxd: ${this.#options.what}`));
  }

  async #exchange(id: number, packet: Buffer): Promise<SftpReply> {
    if (this.#failure !== undefined) throw this.#failure;
    const { what, timeoutMs } = this.#options;
    const late = errorOf("deadline_exceeded", `lxd: ${what}`);
    // Whatever comes later would be taken for something else.
    const timer = setTimeout(() => this.#fail(late), timeoutMs);
    try {
      return await new Promise<SftpReply>((resolve, reject) => {
        this.#waiters.set(id, { resolve, reject });
        this.#socket.write(packet);
      });
    } finally {
      clearTimeout(timer);
      this.#waiters.delete(id);
    }
  }

  #receive(chunk: Buffer): void {
    try {
      for (const packet of this.#splitter.push(chunk)) {
        const fields = new PacketReader(packet);
        const type = fields.byte();
        const id = type === PACKET.version ? FIRST : fields.number();
        this.#waiters.get(id)?.resolve({ type, fields });
      }
    } catch (error) {
      const text = `lxd: ${this.#options.what}: no SFTP: data loss`;
      this.#fail(new ContainerdError("data_loss", text, { cause: error }));
    }
  }

  readonly #onAbort = (): void => this[Symbol.dispose]();

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#socket.destroy();
    for (const { reject } of this.#waiters.values()) reject(error);
  }
}
