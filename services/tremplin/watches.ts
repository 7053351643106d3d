// What is watched from the first moment that LXD runs. A watch outlives LXD's restarts, by itself: `engine.whenUp` tells of them.
import { DisposeScope } from "../../api/core/dispose.js";
import { watchLifecycle } from "./lifecycle-watch.js";
import { watchPorts } from "./ports-watch.js";
import type { Tremplin } from "./tremplin.js";
import { watchUsb } from "./usb/watch.js";

/** Resolves when it watches. */
type Watch = (tremplin: Tremplin) => Promise<AsyncDisposable>;

const watches: readonly Watch[] = [watchLifecycle, watchPorts, watchUsb];

/** Disposing it ends them. */
export class Watches implements AsyncDisposable {
  readonly #scope = new DisposeScope();
  #hasBegun = false;

  /** Once for all starts of LXD. @throws when one cannot watch; none does then. */
  async begin(tremplin: Tremplin): Promise<void> {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    try {
      for (const watch of watches) this.#scope.use(await watch(tremplin));
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
