// Follows USB devices that come and go.
import type { Tremplin } from "../tremplin.js";

/** Resolves when it watches. */
export async function watchUsb(_tremplin: Tremplin): Promise<AsyncDisposable> {
  return { [Symbol.asyncDispose]: () => Promise.resolve() };
}
