// Profiles of this process, made by the engine's own inspector. The parts of Node that make them are loaded when one is asked for.
import { setTimeout as delay } from "node:timers/promises";
import type { RequestContext } from "../../api/core/context.js";
import type { Debug } from "../../api/core/debug.js";
import { failedPrecondition, invalidArgument } from "../../api/core/errors.js";
import { type Inspection, inspect } from "./inspect.js";

const DEFAULT_DURATION_MS = 30_000;
const MAX_DURATION_MS = 600_000;
/** Of the event loop's delays; finer, and the measuring itself is felt. */
const RESOLUTION_MS = 10;
/** Bytes between two samples of what takes memory. */
const SAMPLING_BYTES = 32_768;

type Pieces = AsyncIterable<string | Uint8Array>;
type Profiler = (durationMs: number, signal: AbortSignal | undefined) => Pieces;

/** The debugger of the process that it is made in. */
export function createDebug(): Debug {
  let tracing = false;
  /** The engine has one tracer, and whoever stops it stops it for all. */
  const traceAlone: Profiler = async function* (durationMs, signal) {
    if (tracing) throw failedPrecondition("a trace is being taken already");
    tracing = true;
    try {
      yield* trace(durationMs, signal);
    } finally {
      tracing = false;
    }
  };
  const profilers = { cpu, heap, allocations, trace: traceAlone, block, report };
  return {
    async *profile({ signal }: RequestContext, kind, { durationMs = DEFAULT_DURATION_MS } = {}) {
      if (durationMs > MAX_DURATION_MS) {
        throw invalidArgument(`a profile takes ${MAX_DURATION_MS / 60_000} minutes at most`);
      }
      for await (const piece of profilers[kind](durationMs, signal)) {
        yield typeof piece === "string" ? Buffer.from(piece) : piece;
      }
    },
  };
}

async function* cpu(durationMs: number, signal: AbortSignal | undefined): Pieces {
  using inspection = await inspect();
  await inspection.post("Profiler.enable");
  await inspection.post("Profiler.start");
  await delay(durationMs, undefined, { signal });
  yield await profileOf(inspection, "Profiler.stop");
}

async function* allocations(durationMs: number, signal: AbortSignal | undefined): Pieces {
  using inspection = await inspect();
  await inspection.post("HeapProfiler.enable");
  await inspection.post("HeapProfiler.startSampling", { samplingInterval: SAMPLING_BYTES });
  await delay(durationMs, undefined, { signal });
  yield await profileOf(inspection, "HeapProfiler.stopSampling");
}

async function profileOf(inspection: Inspection, stop: string): Promise<string> {
  const { profile } = await inspection.post(stop);
  return JSON.stringify(profile);
}

async function* heap(): Pieces {
  const { getHeapSnapshot } = await import("node:v8");
  yield* getHeapSnapshot();
}

async function* trace(durationMs: number, signal: AbortSignal | undefined): Pieces {
  using inspection = await inspect();
  const includedCategories = ["node", "node.async_hooks", "v8", "blink.console", "blink.user_timing"];
  let first = true;
  yield '{"traceEvents":[';
  for await (const events of inspection.trace({ includedCategories }, durationMs, signal)) {
    if (events.length === 0) continue;
    yield `${first ? "" : ","}${events.map((event) => JSON.stringify(event)).join(",")}`;
    first = false;
  }
  yield "]}";
}

async function* block(durationMs: number, signal: AbortSignal | undefined): Pieces {
  const { monitorEventLoopDelay, performance } = await import("node:perf_hooks");
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const before = performance.eventLoopUtilization();
  delays.enable();
  try {
    await delay(durationMs, undefined, { signal });
  } finally {
    delays.disable();
  }
  const { utilization } = performance.eventLoopUtilization(before);
  const { min, max, mean, stddev, count } = delays;
  const percentiles = Object.fromEntries([50, 90, 99, 99.9].map((at) => [String(at), delays.percentile(at)]));
  const found = { durationNs: durationMs * 1e6, resolutionNs: RESOLUTION_MS * 1e6, count, min, max, mean, stddev };
  yield `${JSON.stringify({ ...found, percentiles, utilization }, undefined, 2)}\n`;
}

async function* report(): Pieces {
  const maker: typeof process.report & { excludeNetwork?: boolean } = process.report;
  const { excludeNetwork = false } = maker;
  // Otherwise it asks for the names of all peers, and waits.
  maker.excludeNetwork = true;
  try {
    const { environmentVariables: _, ...rest } = { ...maker.getReport() } as Record<string, unknown>;
    yield `${JSON.stringify(rest, undefined, 2)}\n`;
  } finally {
    maker.excludeNetwork = excludeNetwork;
  }
}
