// Which containers' output is kept, and how much of it.
import { invalidArgument } from "../../api/core/errors.js";
import { LOG_KEEP, LOG_LABEL, LOG_MAX_SEGMENTS_LABEL, LOG_MAX_SIZE_LABEL, LOG_NONE } from "../../api/core/task-log.js";
import type { LogLimits } from "./line-writer.js";

/** `labelled`: of containers that ask for it; `all`: of those that do not refuse it; `none`. */
export type LogPolicy = "labelled" | "all" | "none";

export interface LogSettings extends LogLimits {
  readonly keep: LogPolicy;
}

const LEAST_BYTES = 4096;
const MOST_BYTES = 2 ** 40;
const MOST_SEGMENTS = 100;

/** undefined for a container whose output is not kept. @throws invalid_argument for a label that makes no sense. */
export function limitsOf(
  labels: Readonly<Record<string, string>>,
  { keep, maxSizeBytes, maxSegments }: LogSettings,
): LogLimits | undefined {
  const wish = labelOf(labels, LOG_LABEL);
  if (wish !== undefined && wish !== LOG_KEEP && wish !== LOG_NONE) {
    throw invalidArgument(`label ${LOG_LABEL}: "${wish}" is neither ${LOG_KEEP} nor ${LOG_NONE}`);
  }
  if (keep === "none" || wish === LOG_NONE || (wish === undefined && keep !== "all")) return undefined;
  return {
    maxSizeBytes: numberOf(labels, LOG_MAX_SIZE_LABEL, { least: LEAST_BYTES, most: MOST_BYTES }) ?? maxSizeBytes,
    maxSegments: numberOf(labels, LOG_MAX_SEGMENTS_LABEL, { least: 1, most: MOST_SEGMENTS }) ?? maxSegments,
  };
}

const labelOf = (labels: Readonly<Record<string, string>>, label: string): string | undefined =>
  Object.hasOwn(labels, label) ? labels[label] : undefined;

function numberOf(
  labels: Readonly<Record<string, string>>,
  label: string,
  { least, most }: { readonly least: number; readonly most: number },
): number | undefined {
  const text = labelOf(labels, label);
  if (text === undefined) return undefined;
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw invalidArgument(`label ${label}: "${text}" is not a number from ${least} to ${most}`);
}
