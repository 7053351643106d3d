// The files of control groups as numbers.

/** What containerd's clients take for "no limit" where the kernel says `max`. */
const UNLIMITED = 2n ** 64n - 1n;

export type Counters = (name: string) => bigint;

/** One number in a file; 0 without the file. */
export function uintOf(text: string | undefined): bigint {
  const word = text?.trim() ?? "";
  if (word === "max") return UNLIMITED;
  return /^\d+$/.test(word) ? BigInt(word) : 0n;
}

export const uintsOf = (text: string | undefined): bigint[] =>
  (text ?? "")
    .split(/\s+/)
    .filter((word) => word !== "")
    .map(uintOf);

/** Lines of a name and a number; 0 for names that are not there. */
export function countersOf(text: string | undefined): Counters {
  const values = new Map<string, bigint>();
  for (const line of (text ?? "").split("\n")) {
    const [name = "", value] = line.split(" ");
    if (value !== undefined) values.set(name, uintOf(value));
  }
  return (name) => values.get(name) ?? 0n;
}
