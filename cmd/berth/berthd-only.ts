// What only berthd offers, and how a command says so where another daemon answers.
import { ContainerdError, isNotImplemented } from "../../api/core/errors.js";

/** Passes on what `records` gives. @throws not_implemented in words of our own: `logs are kept by berthd only: …`. */
export async function* ofBerthdOnly<T>(what: string, records: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* records;
  } catch (error) {
    if (!isNotImplemented(error)) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    throw new ContainerdError("not_implemented", `${what} by berthd only: ${detail}`, { cause: error });
  }
}
