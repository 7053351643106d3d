// The calls that are being answered right now, so that a stopping server can end those that would wait for ever and let the
// others finish.
import { ContainerdError } from "../../api/core/errors.js";

const stopping = (): ContainerdError => new ContainerdError("unavailable", "the daemon is stopping: unavailable");

/** Each call has a signal that aborts when the caller goes away, its deadline passes or the server stops. */
export class OpenCalls {
  /** With whether the call is one that waits. */
  readonly #open = new Map<AbortController, boolean>();
  #idle: (() => void)[] = [];
  #isStopping = false;

  /** Enters a call; hand the controller to {@link leave} when it has been answered. Once stopping, it comes aborted. */
  enter(isWaiting: boolean): AbortController {
    const controller = new AbortController();
    if (this.#isStopping) controller.abort(stopping());
    this.#open.set(controller, isWaiting);
    return controller;
  }

  leave(controller: AbortController): void {
    this.#open.delete(controller);
    if (this.#open.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Aborts the calls that wait, and every one that still comes. */
  stop(): void {
    this.#isStopping = true;
    for (const [controller, isWaiting] of this.#open) if (isWaiting) controller.abort(stopping());
  }

  /** Aborts what is left. */
  abort(): void {
    for (const controller of this.#open.keys()) controller.abort(stopping());
  }

  /** Resolves when no call is open. */
  async whenIdle(): Promise<void> {
    if (this.#open.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }
}
