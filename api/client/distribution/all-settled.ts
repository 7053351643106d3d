// Pieces of work that belong together.

/** All of them to their end, also when one fails: nothing goes on behind the back of a caller who was told of a failure. */
export async function allSettledOrThrow(works: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(works);
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
