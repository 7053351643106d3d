// How a line of a log stands in its file: `2026-11-22T17:27:04.123456789Z stdout F:1234 text`, which is the form that Kubernetes' CRI
// gives container logs, with the line's number as the tag that readers of that form pass over. F is a full line, P a part of one.
import type { LogEntry, LogStreamName } from "../../api/core/task-log.js";

/** Longer lines are cut. In bytes. */
export const MAX_LINE_BYTES = 64 * 1024;
/** More than any line has before its text. */
export const MAX_HEAD_BYTES = 80;
export const LINE_FEED = 10;

const TIME_BYTES = 30;
/** Of the letter that is not the same in both names. */
const STREAM_AT = TIME_BYTES + 1 + "std".length;
const STREAM_BYTES = "stdout".length;
const TAG_AT = TIME_BYTES + 1 + STREAM_BYTES + 1;
const NUMBER_AT = TAG_AT + 2;
const SPACE = 0x20;
const PARTIAL = "P".charCodeAt(0);
const FULL = "F".charCodeAt(0);
const OF_STDERR = "e".charCodeAt(0);
const ZERO = 0x30;
const NS_PER_SECOND = 1_000_000_000n;

/** What stands before the tag. The time has nine digits of a second's fraction, always. */
export function lineStart(timeNs: bigint, stream: LogStreamName): string {
  const whole = new Date(Number(timeNs / 1_000_000n)).toISOString().slice(0, 19);
  return `${whole}.${String(timeNs % NS_PER_SECOND).padStart(9, "0")}Z ${stream} `;
}

/** The rest of what stands before the text. */
export const lineTag = (number: number, isPartial: boolean): string => `${isPartial ? "P" : "F"}:${number} `;

/** A line as it lies in a buffer; its number counts below 2^53. */
export interface StoredLine {
  readonly number: number;
  readonly stream: LogStreamName;
  readonly isPartial: boolean;
  /** Where its text begins. */
  readonly textAt: number;
}

/** All but time and text. undefined for what is no line of a log. */
export function parseLine(buffer: Buffer, start: number, end: number): StoredLine | undefined {
  const tag = buffer[start + TAG_AT];
  if ((tag !== FULL && tag !== PARTIAL) || end - start <= NUMBER_AT) return undefined;
  let number = 0;
  let at = start + NUMBER_AT;
  for (; at < end; at += 1) {
    const byte = buffer[at] ?? 0;
    if (byte === SPACE) break;
    if (byte < ZERO || byte > ZERO + 9) return undefined;
    number = number * 10 + byte - ZERO;
  }
  if (at === end || number === 0) return undefined;
  const stream = buffer[start + STREAM_AT] === OF_STDERR ? "stderr" : "stdout";
  return { number, stream, isPartial: tag === PARTIAL, textAt: at + 1 };
}

/** Reads times; lines that were written together have the same one. */
export class TimeReader {
  #text = "";
  #timeNs = 0n;

  /** Nanoseconds since 1970; 0 for what is no time. */
  read(buffer: Buffer, start: number): bigint {
    const text = buffer.toString("latin1", start, start + TIME_BYTES);
    if (text === this.#text) return this.#timeNs;
    const ms = Date.parse(`${text.slice(0, 19)}Z`);
    this.#text = text;
    this.#timeNs = Number.isNaN(ms) ? 0n : BigInt(ms) * 1_000_000n + BigInt(Number(text.slice(20, 29)) || 0);
    return this.#timeNs;
  }
}

/** The whole of a line; its text is part of the buffer. */
export function entryOf(buffer: Buffer, line: StoredLine, end: number, timeNs: bigint, attempt: number): LogEntry {
  const { number, stream, isPartial, textAt } = line;
  return { number: BigInt(number), timeNs, stream, attempt, text: buffer.subarray(textAt, end), isPartial };
}
