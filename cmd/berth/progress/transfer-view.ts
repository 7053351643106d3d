// What is to be seen of a pull or push: a row for each object in the order of their coming, and a sum. Text only, the time comes in.
// @source containerd cmd/ctr/commands/content/fetch.go (Display)
import type { ProgressEvent } from "../../../api/client/distribution/progress.js";
import { renderSize } from "../render/size.js";

const MIN_BAR = 10;
const MAX_BAR = 40;
const STATUS_WIDTH = 12;
/** Columns for `999.9 MiB/999.9 MiB`, for the speed, and for the time that is left. */
const [SIZES_WIDTH, SPEED_WIDTH, LEFT_WIDTH] = [20, 14, 12];

interface Row {
  readonly name: string;
  status: ProgressEvent["status"];
  doneBytes: number;
  totalBytes: number;
  /** When bytes began to move, and how many were there already. */
  moving: { readonly sinceMs: number; readonly fromBytes: number } | undefined;
  /** Bytes that have moved here. */
  movedBytes: number;
}

const FINAL: ReadonlySet<ProgressEvent["status"]> = new Set([
  "done",
  "exists",
  "mounted",
  "unpacked",
  "resolved",
  "saved",
]);

export class TransferView {
  readonly #startMs: number;
  readonly #rows = new Map<string, Row>();

  constructor(nowMs: number) {
    this.#startMs = nowMs;
  }

  /** Takes news. @returns whether the status of the object is another one now. */
  take({ name, status, doneBytes = 0, totalBytes = 0 }: ProgressEvent, nowMs: number): boolean {
    const known = this.#rows.get(name);
    const row = known ?? { name, status, doneBytes: 0, totalBytes: 0, moving: undefined, movedBytes: 0 };
    this.#rows.set(name, row);
    const isNew = known === undefined || row.status !== status;
    row.status = status;
    row.totalBytes = Math.max(row.totalBytes, totalBytes);
    if (status === "downloading" || status === "uploading") {
      row.moving ??= { sinceMs: nowMs, fromBytes: doneBytes };
      row.doneBytes = doneBytes;
      row.movedBytes = Math.max(0, doneBytes - row.moving.fromBytes);
    } else if (FINAL.has(status)) {
      row.doneBytes = row.totalBytes;
      if (row.moving !== undefined) row.movedBytes = Math.max(row.movedBytes, row.totalBytes - row.moving.fromBytes);
    }
    return isNew;
  }

  /** The rows and the sum, in a window of that size. Rows that are over give way to those that are not. */
  lines(nowMs: number, window: { readonly columns: number; readonly rows: number }): string[] {
    const room = Math.max(1, window.rows - 3);
    const rows = [...this.#rows.values()];
    const open = rows.filter(({ status }) => !FINAL.has(status));
    const shown = rows.length <= room ? rows : open.slice(0, room);
    const hidden = rows.length - shown.length;
    const width = Math.max(...shown.map(({ name }) => shortName(name).length), 0);
    return [
      ...shown.map((row) => renderRow(row, width, nowMs, window.columns)),
      ...(hidden > 0 ? [`and ${hidden} more`] : []),
      this.sum(nowMs),
    ].map((line) => line.slice(0, Math.max(1, window.columns - 1)));
  }

  /** One line about one object, for a log. */
  line(name: string): string {
    const row = this.#rows.get(name);
    if (row === undefined) return name;
    const size = row.totalBytes > 0 && FINAL.has(row.status) ? `  ${renderSize(row.totalBytes)}` : "";
    return `${row.name}: ${row.status}${size}`;
  }

  /** How long it has taken, and what has moved. */
  sum(nowMs: number): string {
    const seconds = (nowMs - this.#startMs) / 1000;
    const moved = [...this.#rows.values()].reduce((total, { movedBytes }) => total + movedBytes, 0);
    const speed = seconds > 0 ? moved / seconds : 0;
    return `elapsed: ${seconds.toFixed(1)} s  total: ${renderSize(moved)}  (${renderSize(speed)}/s)`;
  }
}

/** Digests are long: a few of their digits tell them apart. */
function shortName(name: string): string {
  return name.replace(/(sha\d{3}:[0-9a-f]{8})[0-9a-f]+$/, "$1");
}

/** Name, status, bar, and of what moves the bytes, the speed where there is room for it, and the time that is left. */
function renderRow(row: Row, nameWidth: number, nowMs: number, columns: number): string {
  const { status, doneBytes, totalBytes, moving } = row;
  const start = `${`${shortName(row.name)}:`.padEnd(nameWidth + 2)}${status.padEnd(STATUS_WIDTH)}`;
  const room = columns - start.length - SIZES_WIDTH - LEFT_WIDTH - 3;
  const hasSpeed = room - SPEED_WIDTH >= MIN_BAR;
  const width = Math.max(MIN_BAR, Math.min(MAX_BAR, hasSpeed ? room - SPEED_WIDTH : room));
  const bar = (filled: number): string => `|${"+".repeat(filled)}${"-".repeat(width - filled)}|`;
  if (status !== "downloading" && status !== "uploading") return `${start}${bar(FINAL.has(status) ? width : 0)}`;
  const filled = totalBytes > 0 ? Math.min(width, Math.floor((doneBytes / totalBytes) * width)) : 0;
  const seconds = moving === undefined ? 0 : (nowMs - moving.sinceMs) / 1000;
  const speed = seconds > 0 ? row.movedBytes / seconds : 0;
  const sizes = ` ${renderSize(doneBytes)}/${renderSize(totalBytes)}`;
  const left = speed > 0 && totalBytes > doneBytes ? ` ${renderSeconds((totalBytes - doneBytes) / speed)} left` : "";
  return `${start}${bar(filled)}${sizes}${hasSpeed ? ` ${renderSize(speed)}/s` : ""}${left}`;
}

/** `45s`, `2m05s`, `3h10m`. */
function renderSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  const two = (number: number): string => String(number).padStart(2, "0");
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
}
