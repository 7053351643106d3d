// What tasks use at one moment, from whoever knows: their runtime, and where that tells nothing the processes themselves.
import type { Client } from "../../../api/client/connect.js";
import { type TaskUsage, toUsage } from "../../../api/client/run/metrics.js";
import type { RequestContext } from "../../../api/core/context.js";
import type { ProcessState } from "../../../api/core/task.js";
import { readHostProcess } from "./host-process.js";
import { readNetwork } from "./network.js";
import { isAlive, pidsOf } from "./task-pids.js";

/** Counters and levels of one moment; undefined is what nobody tells. */
export interface UsageSample {
  readonly id: string;
  readonly status: ProcessState["status"];
  /** Nanoseconds since 1970. */
  readonly timeNs: bigint;
  readonly cpuNs?: bigint | undefined;
  /** What the kernel could take back at once is left out. */
  readonly memoryBytes?: bigint | undefined;
  readonly memoryLimitBytes?: bigint | undefined;
  readonly pids?: bigint | undefined;
  readonly blockIo?: TaskUsage["blockIo"];
  readonly networkIo?: TaskUsage["networkIo"];
}

/** One sample for each task, in their order. A task that has ended has nothing but its state. */
export async function sampleUsage(
  client: Pick<Client, "tasks">,
  request: RequestContext,
  tasks: readonly ProcessState[],
): Promise<UsageSample[]> {
  const alive = tasks.filter(isAlive);
  const filters = alive.map(({ containerId }) => `id==${containerId}`);
  const found = alive.length === 0 ? [] : await client.tasks.metrics(request, filters);
  const byId = new Map(found.map((metrics) => [metrics.id, metrics]));
  return await Promise.all(
    tasks.map(async (task) => {
      const { containerId: id, status } = task;
      const nowNs = BigInt(Date.now()) * 1_000_000n;
      if (!isAlive(task)) return { id, status, timeNs: nowNs };
      const metrics = byId.get(id);
      if (metrics?.data === undefined)
        return { id, status, timeNs: nowNs, ...(await ofProcesses(client, request, id)) };
      const usage = toUsage(id, metrics);
      return {
        ...{ id, status, timeNs: usage.timestampNs ?? nowNs },
        cpuNs: usage.cpuNs,
        memoryBytes: workingSet(usage),
        memoryLimitBytes: usage.memoryLimitBytes,
        pids: usage.pids,
        blockIo: usage.blockIo,
        networkIo: usage.networkIo ?? (await readNetwork(task.pid)),
      };
    }),
  );
}

function workingSet({ memoryBytes, memoryReclaimableBytes = 0n }: TaskUsage): bigint | undefined {
  if (memoryBytes === undefined) return undefined;
  return memoryBytes > memoryReclaimableBytes ? memoryBytes - memoryReclaimableBytes : memoryBytes;
}

/** For tasks without a control group: the sum of the processes that are there. */
async function ofProcesses(
  client: Pick<Client, "tasks">,
  request: RequestContext,
  id: string,
): Promise<Pick<UsageSample, "cpuNs" | "memoryBytes" | "pids">> {
  const pids = await pidsOf(client, request, id);
  const processes = (await Promise.all(pids.map(({ pid }) => readHostProcess(pid)))).filter((one) => one !== undefined);
  if (processes.length === 0) return {};
  return {
    cpuNs: processes.reduce((all, { cpuNs }) => all + cpuNs, 0n),
    memoryBytes: BigInt(processes.reduce((all, { residentBytes }) => all + residentBytes, 0)),
    pids: BigInt(processes.reduce((all, { threads }) => all + threads, 0)),
  };
}
