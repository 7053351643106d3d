// How the benchmarks measure: medians of rounds in which the rivals take turns, so that a noisy neighbour hits both.

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return (low + high) / 2;
}

/** How long it took, in milliseconds. */
export async function timeMs(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Does `count` pieces of work with `callers` of them under way at any time; answers how many were done in a second. */
export async function throughput(
  count: number,
  callers: number,
  work: (index: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const caller = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  const elapsedMs = await timeMs(() => Promise.all(Array.from({ length: callers }, caller)));
  return (count / elapsedMs) * 1000;
}

/** The rivals in an order that changes from round to round. */
export function inTurn<T>(rivals: readonly T[], round: number): T[] {
  return rivals.map((_, index) => rivals[(index + round) % rivals.length]).filter((rival) => rival !== undefined);
}
