// Two moments of a task make a rate; rates and levels make the rows of berth stats.

import { formatTime } from "../../../api/core/time.js";
import type { Column, Listing } from "../output.js";
import { renderDecimalSize } from "../render/age.js";
import { renderSize } from "../render/size.js";
import type { UsageSample } from "./task-usage.js";

export interface UsageRow extends UsageSample {
  /** Of one processor: two that are busy all the time are 200. undefined until there are two samples. */
  readonly cpuPercent: number | undefined;
  /** Of the limit, and of the host's memory without one. */
  readonly memoryPercent: number | undefined;
}

/** @param hostMemoryBytes what a task without a limit can have. */
export function usageRow(sample: UsageSample, before: UsageSample | undefined, hostMemoryBytes: number): UsageRow {
  const limit = Number(sample.memoryLimitBytes ?? hostMemoryBytes);
  return {
    ...sample,
    cpuPercent: cpuPercent(sample, before),
    memoryPercent:
      sample.memoryBytes === undefined || limit <= 0 ? undefined : (Number(sample.memoryBytes) / limit) * 100,
  };
}

/** A counter that went back belongs to another task of that name, or to processes that have ended. */
function cpuPercent(sample: UsageSample, before: UsageSample | undefined): number | undefined {
  if (sample.cpuNs === undefined || before?.cpuNs === undefined) return undefined;
  const elapsedNs = Number(sample.timeNs - before.timeNs);
  if (elapsedNs <= 0) return undefined;
  return Math.max(0, (Number(sample.cpuNs - before.cpuNs) / elapsedNs) * 100);
}

const NONE = "-";
export const percent = (value: number | undefined): string => (value === undefined ? NONE : `${value.toFixed(2)}%`);
const compact = (bytes: bigint): string => renderSize(Number(bytes)).replace(" ", "");
const pair = (left: bigint | undefined, right: bigint | undefined, show: (bytes: bigint) => string): string =>
  left === undefined || right === undefined ? NONE : `${show(left)} / ${show(right)}`;
const decimal = (bytes: bigint): string => renderDecimalSize(Number(bytes));

const columns: readonly Column<UsageRow>[] = [
  { title: "CONTAINER", text: ({ id }) => id },
  { title: "STATUS", wide: true, text: ({ status }) => status },
  { title: "CPU %", text: (row) => percent(row.cpuPercent) },
  {
    title: "MEM USAGE / LIMIT",
    text: ({ memoryBytes, memoryLimitBytes }) => {
      if (memoryBytes === undefined) return NONE;
      return `${compact(memoryBytes)} / ${memoryLimitBytes === undefined ? NONE : compact(memoryLimitBytes)}`;
    },
  },
  { title: "MEM %", text: (row) => percent(row.memoryPercent) },
  { title: "NET I/O", text: ({ networkIo }) => pair(networkIo?.receivedBytes, networkIo?.sentBytes, decimal) },
  { title: "BLOCK I/O", text: ({ blockIo }) => pair(blockIo?.readBytes, blockIo?.writtenBytes, decimal) },
  { title: "PIDS", text: ({ pids }) => (pids === undefined ? NONE : String(pids)) },
];

export const usageListing: Listing<UsageRow> = {
  columns,
  style: { gap: 3, lastColumn: "bare" },
  id: ({ id }) => id,
  json: ({
    id,
    status,
    timeNs,
    cpuPercent,
    memoryPercent,
    memoryBytes,
    memoryLimitBytes,
    networkIo,
    blockIo,
    pids,
  }) => ({
    id,
    status,
    time: formatTime(timeNs),
    cpuPercent: rounded(cpuPercent),
    memory: memoryBytes,
    memoryLimit: memoryLimitBytes,
    memoryPercent: rounded(memoryPercent),
    networkReceived: networkIo?.receivedBytes,
    networkSent: networkIo?.sentBytes,
    blockRead: blockIo?.readBytes,
    blockWritten: blockIo?.writtenBytes,
    pids,
  }),
};

const rounded = (value: number | undefined): number | undefined =>
  value === undefined ? undefined : Math.round(value * 100) / 100;
