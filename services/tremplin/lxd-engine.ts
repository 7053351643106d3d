// LXD itself: started on its folder, taken over where it runs already, started again when it dies.
import { notImplemented } from "../../api/core/errors.js";

/** Whether LXD is there, and when. */
export class LxdEngine implements AsyncDisposable {
  #isStarted = false;

  /** Whether StartLxd has succeeded. LXD may be on its way back from a crash all the same. */
  isStarted(): boolean {
    return this.#isStarted;
  }

  /** Resolves when LXD answers: at once while it does. @throws cancelled by the signal. */
  async whenUp(_signal?: AbortSignal): Promise<void> {
    throw notImplemented("waiting for LXD");
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
