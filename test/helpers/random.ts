// Chance that can be repeated: the same seed gives the same numbers, so that a failure can be run again.

export interface Random {
  readonly seed: number;
  /** At least 0, below 1. */
  next(): number;
  /** An integer, at least `from`, below `to`. */
  between(from: number, to: number): number;
  /** @throws RangeError when there is nothing to pick from. */
  pick<T>(from: readonly T[]): T;
}

/** @param seed Default: another one each time. Print it, so that a failure can be repeated. */
export function seeded(seed = Math.floor(Math.random() * 2 ** 31)): Random {
  // mulberry32: 32 bits of state are plenty for choosing moments and deeds.
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (from: number, to: number): number => from + Math.floor(next() * (to - from));
  return {
    seed,
    next,
    between,
    pick: (from) => {
      const picked = from[between(0, from.length)];
      if (picked === undefined) throw new RangeError("nothing to pick from");
      return picked;
    },
  };
}

/** The seed that the environment variable SEED asks for, else a new one. */
export function seededByEnvironment(): Random {
  const wanted = Number.parseInt(process.env["SEED"] ?? "", 10);
  return Number.isNaN(wanted) ? seeded() : seeded(wanted);
}
