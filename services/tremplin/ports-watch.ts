// Tells the listener on which ports the containers listen.
import type { Tremplin } from "./tremplin.js";

/** Resolves when it watches. */
export async function watchPorts(_tremplin: Tremplin): Promise<AsyncDisposable> {
  return { [Symbol.asyncDispose]: () => Promise.resolve() };
}
