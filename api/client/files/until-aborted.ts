// Bytes that somebody else sends, for as long as the caller wants them: an archive may come from a pipe in which nothing happens.
import { throwIfAborted } from "../run/abort.js";
import type { Bytes } from "./ends.js";

/** The same bytes. @throws cancelled, or deadline_exceeded, as soon as the signal is aborted, also between two chunks. */
export async function* untilAborted(bytes: Bytes, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  if (signal === undefined || Symbol.iterator in bytes) {
    for await (const chunk of bytes) {
      throwIfAborted(signal);
      yield chunk;
    }
    throwIfAborted(signal);
    return;
  }
  const iterator = bytes[Symbol.asyncIterator]();
  let isEnded = false;
  const { aborted, stop } = abortOf(signal);
  try {
    for (;;) {
      throwIfAborted(signal);
      const next = await Promise.race([iterator.next(), aborted]);
      throwIfAborted(signal);
      if (next === undefined || next.done === true) {
        isEnded = true;
        return;
      }
      yield next.value;
    }
  } finally {
    stop();
    // Not waited for: it may be what nothing comes from.
    if (!isEnded) iterator.return?.()?.catch(() => {});
  }
}

function abortOf(signal: AbortSignal): { readonly aborted: Promise<undefined>; stop(): void } {
  let tell = (): void => {};
  const aborted = new Promise<undefined>((resolve) => {
    tell = () => resolve(undefined);
  });
  signal.addEventListener("abort", tell, { once: true });
  return { aborted, stop: () => signal.removeEventListener("abort", tell) };
}
