// What a task uses, in one form for both generations of control groups.
import { notFound } from "../../core/errors.js";
import type { TaskMetrics } from "../../core/task.js";
import { type Any, isTypeOf } from "../../core/typeurl.js";
import { Metrics as CgroupV1Metrics } from "../../gen/cgroups/v1/metrics.js";
import { Metrics as CgroupV2Metrics } from "../../gen/cgroups/v2/metrics.js";

const V1_TYPE = "io.containerd.cgroups.v1.Metrics";
const V2_TYPE = "io.containerd.cgroups.v2.Metrics";
const NS_PER_US = 1000n;

/** Figures of one moment; undefined is what the runtime does not tell. */
export interface TaskUsage {
  /** Nanoseconds since 1970. */
  readonly timestampNs: bigint | undefined;
  readonly memoryBytes: bigint | undefined;
  /** undefined without a limit. */
  readonly memoryLimitBytes: bigint | undefined;
  /** CPU time since the task was started, nanoseconds. */
  readonly cpuNs: bigint | undefined;
  /** Processes and threads. */
  readonly pids: bigint | undefined;
  /** Of `memoryBytes`, what the kernel only keeps while nobody needs the room: files that were read once. */
  readonly memoryReclaimableBytes: bigint | undefined;
  /** Read from and written to block devices since the task was started, caches not counted. */
  readonly blockIo: { readonly readBytes: bigint; readonly writtenBytes: bigint } | undefined;
  /** Over all interfaces but the loopback; most runtimes do not tell. */
  readonly networkIo: { readonly receivedBytes: bigint; readonly sentBytes: bigint } | undefined;
  /** All that the runtime told, on hosts with cgroups of version 1. */
  readonly v1?: CgroupV1Metrics | undefined;
  /** Likewise, version 2. */
  readonly v2?: CgroupV2Metrics | undefined;
  /** As it came. */
  readonly data: Any;
}

/** A limit of that many bytes and more is none: the kernel's way to say so. */
const NO_LIMIT_BYTES = 1n << 62n;

/** @throws not_found when there are no figures. */
export function toUsage(id: string, found: TaskMetrics | undefined): TaskUsage {
  if (found?.data === undefined) throw notFound(`metrics of task ${id}`);
  const { timestampNs, data } = found;
  if (isTypeOf(data, V1_TYPE)) return { timestampNs, data, ...ofV1(CgroupV1Metrics.decode(data.value)) };
  if (isTypeOf(data, V2_TYPE)) return { timestampNs, data, ...ofV2(CgroupV2Metrics.decode(data.value)) };
  return { timestampNs, data, ...UNTOLD };
}

const UNTOLD: Omit<TaskUsage, "timestampNs" | "data"> = {
  memoryBytes: undefined,
  memoryLimitBytes: undefined,
  memoryReclaimableBytes: undefined,
  cpuNs: undefined,
  pids: undefined,
  blockIo: undefined,
  networkIo: undefined,
};

function ofV1(v1: CgroupV1Metrics): Omit<TaskUsage, "timestampNs" | "data"> {
  const { memory, cpu, pids, blkio, network } = v1;
  const sumOf = (op: string): bigint =>
    sum(blkio?.ioServiceBytesRecursive.map((entry) => (entry.op.toLowerCase() === op ? entry.value : 0n)) ?? []);
  return {
    memoryBytes: memory?.usage?.usage,
    memoryLimitBytes: limitOf(memory?.usage?.limit),
    memoryReclaimableBytes: memory?.totalInactiveFile,
    cpuNs: cpu?.usage?.total,
    pids: pids?.current,
    blockIo: blkio === undefined ? undefined : { readBytes: sumOf("read"), writtenBytes: sumOf("write") },
    networkIo: networkIoOf(network),
    v1,
  };
}

function ofV2(v2: CgroupV2Metrics): Omit<TaskUsage, "timestampNs" | "data"> {
  const { memory, cpu, pids, io, network } = v2;
  return {
    memoryBytes: memory?.usage,
    memoryLimitBytes: limitOf(memory?.usageLimit),
    memoryReclaimableBytes: memory?.inactiveFile,
    cpuNs: cpu === undefined ? undefined : cpu.usageUsec * NS_PER_US,
    pids: pids?.current,
    blockIo:
      io === undefined
        ? undefined
        : { readBytes: sum(io.usage.map((one) => one.rbytes)), writtenBytes: sum(io.usage.map((one) => one.wbytes)) },
    networkIo: networkIoOf(network),
    v2,
  };
}

function networkIoOf(
  interfaces: readonly { readonly name: string; readonly rxBytes: bigint; readonly txBytes: bigint }[],
): TaskUsage["networkIo"] {
  const outer = interfaces.filter(({ name }) => name !== "lo");
  if (outer.length === 0) return undefined;
  return { receivedBytes: sum(outer.map((one) => one.rxBytes)), sentBytes: sum(outer.map((one) => one.txBytes)) };
}

const sum = (numbers: readonly bigint[]): bigint => numbers.reduce((all, one) => all + one, 0n);

function limitOf(bytes: bigint | undefined): bigint | undefined {
  return bytes === undefined || bytes === 0n || bytes >= NO_LIMIT_BYTES ? undefined : bytes;
}
