// The calls that are being answered right now, so that a stopping server can end those that would wait for ever and let the
// others finish.
import { ContainerdError } from "../api/core/errors.js";

const stopping = (): ContainerdError => new ContainerdError("unavailable", "the daemon is stopping: unavailable");

/** One call. It is given up when the caller goes away, its deadline passes or the server stops; never once it is answered. */
export class OpenCall {
  /** Whether it waits for something that may never come. */
  readonly isWaiting: boolean;
  #controller: AbortController | undefined;
  #reason: ContainerdError | undefined;
  #isAnswered = false;
  /** Told once when the call is given up. */
  onGivenUp: ((reason: ContainerdError) => void) | undefined;

  constructor(isWaiting: boolean) {
    this.isWaiting = isWaiting;
  }

  /** Aborts when the call is given up. Made when somebody asks for it: most handlers never do, and it is dear. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Why the call was given up, if it was. */
  get reason(): ContainerdError | undefined {
    return this.#reason;
  }

  /** Gives the call up. `why` is asked only when it counts: grpc-js tells of the end of every call, answered or not. */
  abort(why: () => ContainerdError): void {
    if (this.#isAnswered || this.#reason !== undefined) return;
    this.#reason = why();
    this.#controller?.abort(this.#reason);
    this.onGivenUp?.(this.#reason);
  }

  /** Says that nothing can stop it any more. */
  answered(): void {
    this.#isAnswered = true;
  }
}

export class OpenCalls {
  readonly #open = new Set<OpenCall>();
  #idle: (() => void)[] = [];
  #isStopping = false;

  /** Enters a call; hand it to {@link leave} when it has been answered. Once stopping, it comes aborted. */
  enter(isWaiting: boolean): OpenCall {
    const call = new OpenCall(isWaiting);
    if (this.#isStopping) call.abort(stopping);
    this.#open.add(call);
    return call;
  }

  leave(call: OpenCall): void {
    call.answered();
    this.#open.delete(call);
    if (this.#open.size > 0 || this.#idle.length === 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Aborts the calls that wait, and every one that still comes. */
  stop(): void {
    this.#isStopping = true;
    for (const call of this.#open) if (call.isWaiting) call.abort(stopping);
  }

  /** Aborts what is left. */
  abort(): void {
    for (const call of this.#open) call.abort(stopping);
  }

  /** Gives the waiting calls up, lets the others finish for so long, then gives up what is left. */
  async end(deadlineMs: number): Promise<void> {
    this.stop();
    await withDeadline(this.whenIdle(), deadlineMs);
    this.abort();
  }

  /** Resolves when no call is open. */
  async whenIdle(): Promise<void> {
    if (this.#open.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }
}

/** Waits for `work` so long at most. */
export async function withDeadline(work: Promise<unknown>, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, deadlineMs);
  });
  await Promise.race([work, deadline]);
  clearTimeout(timer);
}
