// Tables as containerd's own client prints them: columns as wide as their widest cell and a gap, padded with spaces.
// @source Go text/tabwriter

export interface TableStyle {
  /** Spaces behind the widest cell. Default: 4. */
  readonly gap?: number;
  /** Whether the last column is padded: in all rows, in the title's only, in none. Default: `title`. */
  readonly lastColumn?: "padded" | "title" | "bare";
}

const DEFAULT_GAP = 4;

/** The rows, the titles first, each ended by a newline. */
export function renderTable(rows: readonly (readonly string[])[], style: TableStyle = {}): string {
  const gap = style.gap ?? DEFAULT_GAP;
  const lastColumn = style.lastColumn ?? "title";
  const isPadded = (row: number, column: number, columns: number): boolean =>
    column < columns - 1 || lastColumn === "padded" || (lastColumn === "title" && row === 0);
  const widths: number[] = [];
  rows.forEach((row, r) => {
    row.forEach((cell, c) => {
      if (isPadded(r, c, row.length)) widths[c] = Math.max(widths[c] ?? gap, length(cell) + gap);
    });
  });
  return rows
    .map((row, r) => row.map((cell, c) => (isPadded(r, c, row.length) ? pad(cell, widths[c] ?? 0) : cell)).join(""))
    .map((line) => `${line}\n`)
    .join("");
}

function length(cell: string): number {
  return Array.from(cell).length;
}

function pad(cell: string, width: number): string {
  return cell + " ".repeat(Math.max(0, width - length(cell)));
}
