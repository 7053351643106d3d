// Whether what a daemon holds stays flat: the straight line through the samples of the second half must not rise by more than comes
// and goes anyway, and no sample may lie above a bound. The first half is for warming up.

/** What is held at one moment, and how much more of it at the end than at the start of the second half is no growth. */
export const HELD = {
  rssMib: { rise: 16, bound: 320 },
  descriptors: { rise: 6, bound: 128 },
  shims: { rise: 4, bound: 32 },
  mounts: { rise: 4, bound: 16 },
  walMib: { rise: 8, bound: 64 },
} as const;
export type Sample = { readonly [name in keyof typeof HELD]: number };

/** So many samples make a line; fewer say nothing. */
export const LINE_SAMPLES = 12;

/** By how much the straight line of least squares through equally spaced numbers rises from the first to the last. */
export function rise(numbers: readonly number[]): number {
  const middle = (numbers.length - 1) / 2;
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  let [products, squares] = [0, 0];
  for (const [at, number] of numbers.entries()) {
    products += (at - middle) * (number - mean);
    squares += (at - middle) ** 2;
  }
  return squares === 0 ? 0 : (products / squares) * (numbers.length - 1);
}

/** What grows or is too much, one line each. */
export function growth(samples: readonly Sample[]): string[] {
  const late = samples.slice(Math.floor(samples.length / 2));
  const found: string[] = [];
  for (const [name, allowed] of Object.entries(HELD)) {
    const key = name as keyof Sample; // the keys of HELD, which Object.entries forgets
    const rises = late.length < LINE_SAMPLES ? 0 : rise(late.map((sample) => sample[key]));
    const most = Math.max(...samples.map((sample) => sample[key]));
    if (rises > allowed.rise) found.push(`${name} grows: by ${rises.toFixed(1)} in ${late.length} samples`);
    if (most > allowed.bound) found.push(`${name} came to ${most}, more than ${allowed.bound}`);
  }
  return found;
}
