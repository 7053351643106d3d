// Tables as containerd's own client prints them: columns as wide as their widest cell and a gap, padded with spaces.
// @source Go text/tabwriter

export interface TableStyle {
  /** Spaces behind the widest cell. Default: 4. */
  readonly gap?: number;
  /** Whether the last column is padded: in all rows, in the title's only, in none. Default: `title`. */
  readonly lastColumn?: "padded" | "title" | "bare";
  /** What stands between the columns; tabs for stops at every eighth place. Default: spaces. */
  readonly fill?: "spaces" | "tabs";
}

const DEFAULT_GAP = 4;
const TAB = 8;

/** Puts colour into a cell, which has its width already. Row 0 has the titles. */
export type Paint = (row: number, column: number, cell: string) => string;

/** The rows, the titles first, each ended by a newline. */
export function renderTable(
  rows: readonly (readonly string[])[],
  style: TableStyle = {},
  paint: Paint = (_row, _column, cell) => cell,
): string {
  const gap = style.gap ?? (style.fill === "tabs" ? 1 : DEFAULT_GAP);
  const lastColumn = style.lastColumn ?? "title";
  const isPadded = (row: number, column: number, columns: number): boolean =>
    column < columns - 1 || lastColumn === "padded" || (lastColumn === "title" && row === 0);
  const widths: number[] = [];
  rows.forEach((row, r) => {
    row.forEach((cell, c) => {
      if (isPadded(r, c, row.length)) widths[c] = Math.max(widths[c] ?? gap, length(cell) + gap);
    });
  });
  const fill = style.fill === "tabs" ? padWithTabs : pad;
  return rows
    .map((row, r) =>
      row.map((cell, c) => paint(r, c, cell) + (isPadded(r, c, row.length) ? fill(cell, widths[c] ?? 0) : "")).join(""),
    )
    .map((line) => `${line}\n`)
    .join("");
}

function length(cell: string): number {
  return Array.from(cell).length;
}

/** What fills the cell up. */
function pad(cell: string, width: number): string {
  return " ".repeat(Math.max(0, width - length(cell)));
}

/** What fills it up to the tab stop at or behind `width`. */
function padWithTabs(cell: string, width: number): string {
  const toWidth = Math.ceil(width / TAB) * TAB;
  return "\t".repeat(Math.ceil((toWidth - length(cell)) / TAB));
}
