// The name that was probably meant: the closest one, when it is close.

const MOST_EDITS = 2;

/** The name of fewest edits (a letter more, less, another, or two swapped), two of them at most; nothing for short words all of which would change. */
export function closest(word: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestEdits = Math.min(MOST_EDITS, Math.ceil(word.length / 2)) + 1;
  for (const name of names) {
    if (name === word || Math.abs(name.length - word.length) >= bestEdits) continue;
    const edits = distance(word.toLowerCase(), name.toLowerCase());
    if (edits < bestEdits) [best, bestEdits] = [name, edits];
  }
  return best;
}

/** Edits that make one of the other. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let edits = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) edits = Math.min(edits, (before[j - 2] ?? 0) + 1);
      row.push(edits);
    }
    [before, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
