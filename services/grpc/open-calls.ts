// The calls that are being answered right now, so that a stopping server can end those that would wait for ever.
import { ContainerdError } from "../../api/core/errors.js";

/** One call: its signal aborts when the caller goes away, its deadline passes or the server stops. */
export class OpenCalls {
  readonly #open = new Set<AbortController>();
  #idle: (() => void)[] = [];
  #stopReason: ContainerdError | undefined;

  /** Enters a call; hand the controller to {@link leave} when it has been answered. */
  enter(): AbortController {
    const controller = new AbortController();
    if (this.#stopReason !== undefined) controller.abort(this.#stopReason);
    this.#open.add(controller);
    return controller;
  }

  leave(controller: AbortController): void {
    this.#open.delete(controller);
    if (this.#open.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Aborts every call, and each that still comes. Handlers that do not wait for anything finish all the same. */
  stop(): void {
    this.#stopReason = new ContainerdError("unavailable", "the daemon is stopping: unavailable");
    for (const controller of this.#open) controller.abort(this.#stopReason);
  }

  /** Resolves when no call is open. */
  async whenIdle(): Promise<void> {
    if (this.#open.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }
}
