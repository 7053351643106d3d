// One call from within this process: given up by its caller, by the channel or by the server, whichever comes first.
import type { CallDefaults } from "../../api/client/channel.js";
import { abortError, kindOfStatus } from "../../api/client/errors.js";
import type { PeerCredentials, RequestContext } from "../../api/core/context.js";
import { ContainerdError } from "../../api/core/errors.js";
import { answerCall } from "../answer-call.js";
import type { OpenCall } from "../open-calls.js";
import type { LocalMethod, LocalServer } from "./server.js";

export class LocalCall {
  readonly method: LocalMethod;
  readonly ctx: RequestContext;
  readonly #server: LocalServer;
  readonly #open: OpenCall;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#open.abort(() => abortError(this.#signal ?? AbortSignal.abort()));

  /** Enters the call; `signal` is the caller's. {@link answer} must follow. */
  constructor(server: LocalServer, method: LocalMethod, values: CallDefaults, signal: AbortSignal | undefined) {
    const open = server.calls.enter(method.waits);
    this.method = method;
    this.ctx = {
      namespace: values.namespace,
      leaseId: values.leaseId,
      get signal() {
        return open.signal;
      },
      get peer() {
        return ourselves();
      },
    };
    this.#server = server;
    this.#open = open;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Aborts when the call is given up. */
  get signal(): AbortSignal {
    return this.#open.signal;
  }

  /** Gives it up, unless it has been answered. */
  cancel(): void {
    this.#open.abort(() => new ContainerdError("cancelled", "context canceled"));
  }

  /**
   * Runs the call. `onFailure` hears of its failure as a client on the socket would see it, and at once when it is given up,
   * also while the handler is still letting go of things. Resolves when the handler is done; never rejects.
   */
  async answer(run: () => Promise<void>, onFailure: (error: ContainerdError) => void): Promise<void> {
    this.#open.onGivenUp = onFailure;
    const surroundings = { calls: this.#server.calls, open: this.#open, ctx: this.ctx, log: this.#server.log };
    const failure = await answerCall(this.method.definition.path, surroundings, run);
    this.#signal?.removeEventListener("abort", this.#onAbort);
    if (failure === undefined) return;
    const { code, details } = failure.status;
    onFailure(new ContainerdError(kindOfStatus(code, details), details, { cause: failure.cause }));
  }
}

const ourselves = (): PeerCredentials => ({
  pid: process.pid,
  uid: process.geteuid?.() ?? 0,
  gid: process.getegid?.() ?? 0,
});
