// A conversation with the daemon: requests and replies in turns. Errors come out of `receive`, in the words of the daemon.
import { ContainerdError } from "../core/errors.js";

/** How long the daemon may take to end its side. */
const CLOSE_TIMEOUT_MS = 10_000;

/** What a channel makes of such a call. */
export interface Conversation<Request, Response> {
  /** Takes one request; it may be changed by whoever sent it once a reply has come. */
  write(request: Request): void;
  /** No more requests follow. */
  end(): void;
  cancel(): void;
  /** For one reader. @throws ContainerdError. */
  readonly replies: AsyncIterator<Response>;
}

const noReply = (): ContainerdError => new ContainerdError("unknown", "the daemon ended the stream without a reply");

export class DuplexCall<Request, Response> implements AsyncDisposable {
  readonly #call: Conversation<Request, Response>;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => this.cancel();
  readonly #lost = new AbortController();
  /** Asked for before anybody waits for it, so that the end of the call is noticed by those who have nothing to ask. */
  #ahead: Promise<IteratorResult<Response>>;
  #failure: unknown;
  #hasEnded = false;

  constructor(call: Conversation<Request, Response>, signal: AbortSignal | undefined) {
    this.#call = call;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    this.#ahead = this.#next();
  }

  /** Aborts, with the error, when the daemon has ended the call or is gone. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  #next(): Promise<IteratorResult<Response>> {
    const next = this.#call.replies.next();
    next.then(
      ({ done }) => done === true && this.#lost.abort(noReply()),
      (error: unknown) => this.#lost.abort(error),
    );
    return next;
  }

  /** Sends one request. Nothing holds back who sends without reading the replies. */
  send(request: Request): void {
    if (!this.#hasEnded) this.#call.write(request);
  }

  /** The next reply; undefined when the daemon has said all. @throws ContainerdError, then and ever after. */
  async receive(): Promise<Response | undefined> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#hasEnded) return undefined;
    try {
      const step = await this.#ahead;
      if (step.done !== true) {
        this.#ahead = this.#next();
        return step.value;
      }
    } catch (error) {
      this.#failure = error;
    }
    this.#hasEnded = true;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    if (this.#failure !== undefined) throw this.#failure;
    return undefined;
  }

  /** One request, one reply. @throws unknown when there is none. */
  async ask(request: Request): Promise<Response> {
    this.send(request);
    const reply = await this.receive();
    if (reply === undefined) throw noReply();
    return reply;
  }

  /** Says that no more requests follow; replies may. */
  end(): void {
    if (!this.#hasEnded) this.#call.end();
  }

  /** Gives the call up; the daemon is told. */
  cancel(): void {
    this.#call.cancel();
  }

  /** Ends our side and waits until the daemon has ended its own, so that what it held for the call is free again. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasEnded) return;
    this.#call.end();
    const timer = setTimeout(this.#onAbort, CLOSE_TIMEOUT_MS);
    try {
      while ((await this.receive()) !== undefined);
    } catch {
      // Nobody waits for an answer any more.
    } finally {
      clearTimeout(timer);
    }
  }
}
