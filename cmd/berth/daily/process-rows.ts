// The processes of tasks with what each uses: the rows of berth top.
import type { Client } from "../../../api/client/connect.js";
import type { RequestContext } from "../../../api/core/context.js";
import type { ProcessState } from "../../../api/core/task.js";
import { formatTime } from "../../../api/core/time.js";
import type { Listing } from "../output.js";
import { renderSize } from "../render/size.js";
import { type HostProcess, readHostProcess } from "./host-process.js";
import { pidsOf } from "./task-pids.js";

/** A process at one moment. */
export interface ProcessSample {
  readonly id: string;
  readonly pid: number;
  /** Milliseconds of any steady clock. */
  readonly timeMs: number;
  /** undefined: this host does not show it to this user. */
  readonly process: HostProcess | undefined;
}

export interface ProcessRow extends ProcessSample {
  /** Of one processor, since the look before; of one that is new, over its life. */
  readonly cpuPercent: number | undefined;
}

/** The processes of all these tasks that are there now. */
export async function sampleProcesses(
  client: Pick<Client, "tasks">,
  request: RequestContext,
  tasks: readonly ProcessState[],
): Promise<ProcessSample[]> {
  const samples = await Promise.all(
    tasks.map(async ({ containerId: id }) => {
      const pids = await pidsOf(client, request, id);
      return await Promise.all(
        pids.map(async ({ pid }) => ({ id, pid, timeMs: performance.now(), process: await readHostProcess(pid) })),
      );
    }),
  );
  return samples.flat();
}

/** The busiest first. */
export function processRows(
  samples: readonly ProcessSample[],
  before: readonly ProcessSample[],
  nowMs: number,
): ProcessRow[] {
  const byPid = new Map(before.map((sample) => [sample.pid, sample]));
  return samples
    .map((sample) => ({ ...sample, cpuPercent: cpuPercent(sample, byPid.get(sample.pid), nowMs) }))
    .sort((a, b) => (b.cpuPercent ?? -1) - (a.cpuPercent ?? -1) || a.pid - b.pid);
}

function cpuPercent(
  { process, timeMs }: ProcessSample,
  before: ProcessSample | undefined,
  nowMs: number,
): number | undefined {
  if (process === undefined) return undefined;
  const isSame = before?.process !== undefined && Math.abs(before.process.startedAtMs - process.startedAtMs) < 1000;
  const elapsedMs = isSame && before !== undefined ? timeMs - before.timeMs : nowMs - process.startedAtMs;
  const usedNs = process.cpuNs - (isSame ? (before?.process?.cpuNs ?? 0n) : 0n);
  return elapsedMs <= 0 ? 0 : Math.max(0, (Number(usedNs) / 1e6 / elapsedMs) * 100);
}

const NONE = "?";

export const processListing: Listing<ProcessRow> = {
  style: { gap: 2, lastColumn: "bare" },
  id: ({ pid }) => String(pid),
  columns: [
    { title: "CONTAINER", text: ({ id }) => id },
    { title: "PID", text: ({ pid }) => String(pid) },
    { title: "INSIDE", wide: true, text: ({ process }) => String(process?.innerPid ?? NONE) },
    { title: "PARENT", wide: true, text: ({ process }) => String(process?.parentPid ?? NONE) },
    { title: "UID", text: ({ process }) => String(process?.uid ?? NONE) },
    { title: "S", text: ({ process }) => process?.state ?? NONE },
    { title: "THREADS", wide: true, text: ({ process }) => String(process?.threads ?? NONE) },
    { title: "CPU %", text: (row) => (row.cpuPercent === undefined ? NONE : row.cpuPercent.toFixed(1)) },
    {
      title: "MEM",
      text: ({ process }) => (process === undefined ? NONE : renderSize(process.residentBytes).replace(" ", "")),
    },
    { title: "TIME", text: ({ process }) => (process === undefined ? NONE : cpuTime(process.cpuNs)) },
    { title: "COMMAND", text: ({ process }) => process?.command ?? "(not to be seen from here)" },
  ],
  json: ({ id, pid, cpuPercent: cpu, process }) => ({
    container: id,
    pid,
    innerPid: process?.innerPid,
    parentPid: process?.parentPid,
    uid: process?.uid,
    state: process?.state,
    threads: process?.threads,
    cpuPercent: cpu === undefined ? undefined : Math.round(cpu * 10) / 10,
    memory: process?.residentBytes,
    cpuTime: process?.cpuNs,
    startedAt: process === undefined ? undefined : formatTime(BigInt(Math.round(process.startedAtMs)) * 1_000_000n),
    command: process?.command,
  }),
};

/** `0:03.25`, as top shows it. */
export function cpuTime(cpuNs: bigint): string {
  const hundredths = Number(cpuNs / 10_000_000n);
  const seconds = Math.floor(hundredths / 100);
  const pad = (value: number): string => String(value).padStart(2, "0");
  return `${Math.floor(seconds / 60)}:${pad(seconds % 60)}.${pad(hundredths % 100)}`;
}
