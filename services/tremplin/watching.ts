// Watches that are under way, from the first start of LXD to the end of the server.
import { DisposeScope } from "../../api/core/dispose.js";

/** Disposing it ends them. */
export class Watching implements AsyncDisposable {
  readonly #scope = new DisposeScope();
  #hasBegun = false;

  /** Once for all starts of LXD. @throws when one cannot watch; none does then. */
  async begin(watches: readonly (() => Promise<AsyncDisposable>)[]): Promise<void> {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    try {
      for (const watch of watches) this.#scope.use(await watch());
    } catch (error) {
      this.#hasBegun = false;
      await this.#scope[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
  }
}
