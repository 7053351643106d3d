// Calls that go on through a restart of the daemon: its tasks survive one, and so should whoever stands by them.
import { isUnavailable } from "../../core/errors.js";

const RECONNECT_TIMEOUT_MS = 30_000;
const MAX_ATTEMPTS = 10;

/** What tells when a daemon can be reached again; a client does. */
export interface Reachable {
  ready(options: { readonly timeoutMs: number }): Promise<void>;
}

/** Makes a call, and again when the daemon went away during it. @throws what the call throws, unavailable when nobody came back. */
export async function persist<T>(daemon: Reachable, call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (!isUnavailable(error) || attempt === MAX_ATTEMPTS) throw error;
      await daemon.ready({ timeoutMs: RECONNECT_TIMEOUT_MS });
    }
  }
}
