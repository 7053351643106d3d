// The requests of a client stream as a handler reads them: decoded one by one, until the client has said all or the call is given up.
import type { Readable } from "node:stream";
import { errorOf } from "../../api/core/errors.js";

const NEWS = ["readable", "end", "close"] as const;

/**
 * Reads messages of a call that is being answered. However reading ends, the call stays open: replies and the status go through it. So
 * it is no `for await` and no `call.iterator()`: those destroy a call that fails while they wait, and its status is never sent then.
 * @throws the signal's reason when the call is given up, since the stream of a call that was cut off says nothing more.
 */
export async function* readRequests<T>(
  call: Readable,
  signal: AbortSignal,
  decode: (bytes: Buffer) => T,
): AsyncGenerator<T> {
  let wake = (): void => {};
  const onNews = (): void => wake();
  for (const news of NEWS) call.on(news, onNews);
  signal.addEventListener("abort", onNews, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      if (call.readableEnded) return;
      if (call.destroyed) throw errorOf("cancelled", "context canceled");
      const message: Buffer | null = call.read();
      if (message !== null) yield decode(message);
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    for (const news of NEWS) call.off(news, onNews);
    signal.removeEventListener("abort", onNews);
  }
}
