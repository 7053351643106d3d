// The requests of a client stream as a handler reads them: decoded one by one, until the client has said all or the call is given up.
import type { Readable } from "node:stream";

/**
 * Reads messages of a call that is being answered. Reading to the end leaves the call open: the replies go through it.
 * @throws the signal's reason when the call is given up, since the stream of a call that was cut off says nothing more.
 */
export async function* readRequests<T>(
  call: Readable,
  signal: AbortSignal,
  decode: (bytes: Buffer) => T,
): AsyncGenerator<T> {
  const messages = call.iterator({ destroyOnReturn: false });
  let giveUp: (reason: unknown) => void = () => {};
  const onAbort = (): void => giveUp(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      const step = await new Promise<IteratorResult<Buffer, undefined>>((resolve, reject) => {
        giveUp = reject;
        messages.next().then(resolve, reject);
      });
      if (step.done === true) return;
      yield decode(step.value);
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
