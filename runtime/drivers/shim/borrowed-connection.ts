// A task's part of a connection that many tasks share: letting go of it ends nothing for the others.
import type { CallOptions, UnaryMethod } from "../../ttrpc/client.js";
import type { ShimConnection, TaskConnection } from "./connection.js";

export class BorrowedConnection implements TaskConnection {
  readonly closed: Promise<void>;
  readonly #connection: ShimConnection;
  readonly #giveBack: () => void;
  readonly #released: Promise<void>;
  #release: () => void = () => {};
  #isReleased = false;

  /** `giveBack` is called once. */
  constructor(connection: ShimConnection, giveBack: () => void) {
    this.#connection = connection;
    this.#giveBack = giveBack;
    this.#released = new Promise((resolve) => {
      this.#release = resolve;
    });
    this.closed = Promise.race([connection.closed, this.#released]);
  }

  get address(): TaskConnection["address"] {
    return this.#connection.address;
  }

  get methods(): TaskConnection["methods"] {
    return this.#connection.methods;
  }

  get isClosed(): boolean {
    return this.#isReleased || this.#connection.isClosed;
  }

  call<Req, Res>(method: UnaryMethod<Req, Res>, request: Req, options: CallOptions): Promise<Res> {
    return this.#connection.call(method, request, options);
  }

  endsWithin(timeoutMs: number): Promise<boolean> {
    return this.#isReleased ? Promise.resolve(true) : this.#connection.endsWithin(timeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#release();
    this.#giveBack();
  }
}
