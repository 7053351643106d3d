// One daemon's connection to the bridge: its requests, each on its own, and their answers.
import type { Socket } from "node:net";
import { ContainerdError, failedPrecondition } from "../../api/core/errors.js";
import type { Logger } from "../../api/core/log.js";
import {
  decode,
  encode,
  encodeExit,
  failureOf,
  linesOf,
  type Message,
  PROTOCOL,
  type Request,
  requestSchema,
} from "./protocol.js";
import type { StreamTable } from "./streams.js";

export class ControlConnection {
  readonly #socket: Socket;
  readonly #streams: StreamTable;
  readonly #log: Logger;
  /** Requests that are not answered yet. */
  readonly #pending = new Map<number, AbortController>();

  constructor(socket: Socket, streams: StreamTable, log: Logger) {
    this.#socket = socket;
    this.#streams = streams;
    this.#log = log;
    socket.on("error", () => {});
  }

  /** Resolves when the connection has ended. What nobody waits for any more is given up then. Never rejects. */
  async serve(): Promise<void> {
    try {
      for await (const line of linesOf(this.#socket)) this.#receive(decode(requestSchema, line));
    } catch (err) {
      // Whoever sends this is none of ours, or of a version that has forgotten to ask for ours.
      if (!this.#socket.destroyed) this.#log.warn({ err }, "what a daemon says to the bridge is not understood");
    } finally {
      this.#socket.destroy();
      for (const controller of this.#pending.values()) controller.abort();
    }
  }

  #receive(request: Request): void {
    if (request.verb === "cancel") {
      this.#pending.get(request.id)?.abort();
      return;
    }
    if (this.#pending.has(request.id)) throw new Error(`request ${request.id} is under way already`);
    const controller = new AbortController();
    this.#pending.set(request.id, controller);
    void this.#answer(request, controller.signal).then((message) => {
      this.#pending.delete(request.id);
      if (this.#socket.writable) this.#socket.write(encode(message));
    });
  }

  async #answer(request: Request, signal: AbortSignal): Promise<Message> {
    const { id } = request;
    try {
      return { id, value: await this.#perform(request, signal) };
    } catch (error) {
      const reason = signal.aborted ? new ContainerdError("cancelled", "context canceled", { cause: error }) : error;
      return { id, error: failureOf(reason) };
    }
  }

  async #perform(request: Request, signal: AbortSignal): Promise<string[]> {
    switch (request.verb) {
      case "hello":
        if (request.protocol !== PROTOCOL) throw failedPrecondition(`bridge of protocol ${PROTOCOL}`);
        return [];
      case "open":
        await this.#streams.open(request, signal);
        return [];
      case "closeStdin":
        await this.#streams.closeStdin(request.key);
        return [];
      case "kill":
        await this.#streams.kill(request.key, request.signal);
        return [];
      case "resize":
        await this.#streams.resize(request.key, request);
        return [];
      case "exit":
        return encodeExit(await this.#streams.exit(request.key, signal));
      case "finished":
        await this.#streams.finish(request.key, signal);
        return [];
      case "release":
        await this.#streams.release(request.key);
        return [];
      case "keys":
        return this.#streams.keys();
      case "cancel":
        return [];
    }
  }
}
