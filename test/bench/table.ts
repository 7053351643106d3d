// The one table that the benchmarks print.

export interface Row {
  readonly what: string;
  readonly containerd: string;
  readonly berthd: string;
  /** Above 1 berthd is ahead. */
  readonly ratio: number;
}

/** Three significant digits, without an exponent. */
export function figure(value: number): string {
  if (value >= 100) return String(Math.round(value));
  return value.toFixed(value >= 10 ? 1 : value >= 1 ? 2 : 3);
}

export function printTable(rows: readonly Row[]): void {
  const cells = [
    ["", "containerd", "berthd", "ratio"],
    ...rows.map(({ what, containerd, berthd, ratio }) => [what, containerd, berthd, ratio.toFixed(2)]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => (row[column] ?? "").length)));
  for (const row of cells) {
    const line = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    console.log(line.join("   "));
  }
}
