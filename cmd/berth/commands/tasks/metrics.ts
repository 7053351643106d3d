// berth tasks metrics: what a task uses right now, as its cgroup counts it.
// @source containerd cmd/ctr/commands/tasks/metrics.go

import { CgroupV1Metrics, CgroupV2Metrics } from "../../../../api/client/payloads.js";
import { notFound } from "../../../../api/core/errors.js";
import type { TaskMetrics } from "../../../../api/core/task.js";
import { formatTime } from "../../../../api/core/time.js";
import { isTypeOf } from "../../../../api/core/typeurl.js";
import { defineCommand } from "../../command.js";
import { renderJson } from "../../render/json.js";
import { protoFields } from "../../render/proto-fields.js";
import { renderTable } from "../../render/table.js";
import { goTime } from "../../render/time.js";

type Row = readonly [metric: string, value: unknown];

export const command = defineCommand({
  arguments: "<container>",
  lists: "document",
  watches: true,
  completes: ["task"],
  examples: [
    { line: "berth tasks metrics web", does: "the important counters" },
    { line: "berth tasks metrics --format json web", does: "all of them" },
    { line: "berth tasks metrics --fields pids.current,pids.limit web", does: "some of them" },
    { line: "berth tasks metrics --watch web", does: "drawn anew every two seconds" },
  ],
  help: "--format json prints every counter; the tables show the important ones.",
  run: async ({ client, request, output }, [id = ""]) => {
    await client.tasks.get(request, id, "");
    const [metrics] = await client.tasks.metrics(request, [`id==${id}`]);
    if (metrics === undefined) throw notFound(`metrics of task ${id}`);
    const { rows, fields } = decode(metrics);
    if (output.picksFields) output.document(fields);
    else if (output.format === "json") output.line(renderJson(fields, 2));
    else if (output.format === "jsonl") {
      output.line(renderJson({ id, timestamp: formatTime(metrics.timestampNs), metrics: fields }, 0));
    } else {
      const padded = { lastColumn: "padded" } as const;
      output.text(
        renderTable(
          [
            ["ID", "TIMESTAMP"],
            [metrics.id, goTime(metrics.timestampNs)],
          ],
          padded,
        ),
      );
      output.line("");
      output.text(renderTable([["METRIC", "VALUE"], ...rows.map(([metric, value]) => [metric, show(value)])], padded));
    }
  },
});

/** The rows that people want, and all fields by their proto names. */
function decode({ data, id }: TaskMetrics): { readonly rows: readonly Row[]; readonly fields: unknown } {
  if (data === undefined) throw notFound(`metrics of task ${id}`);
  if (isTypeOf(data, "io.containerd.cgroups.v1.Metrics")) {
    const metrics = CgroupV1Metrics.decode(data.value);
    return { rows: rowsV1(metrics), fields: protoFields(metrics) };
  }
  if (isTypeOf(data, "io.containerd.cgroups.v2.Metrics")) {
    const metrics = CgroupV2Metrics.decode(data.value);
    return { rows: rowsV2(metrics), fields: protoFields(metrics) };
  }
  return { rows: [["type", data.typeUrl]], fields: { type_url: data.typeUrl, value: data.value } };
}

function rowsV1({ memory, cpu, pids }: CgroupV1Metrics): Row[] {
  return [
    ...(memory === undefined
      ? []
      : ([
          ["memory.usage_in_bytes", memory.usage?.usage ?? 0n],
          ["memory.limit_in_bytes", memory.usage?.limit ?? 0n],
          ["memory.stat.cache", memory.totalCache],
        ] as const)),
    ...(cpu === undefined
      ? []
      : ([
          ["cpuacct.usage", cpu.usage?.total ?? 0n],
          ["cpuacct.usage_percpu", cpu.usage?.perCpu ?? []],
        ] as const)),
    ...pidRows(pids),
  ];
}

function rowsV2({ memory, cpu, pids }: CgroupV2Metrics): Row[] {
  return [
    ...pidRows(pids),
    ...(cpu === undefined
      ? []
      : ([
          ["cpu.usage_usec", cpu.usageUsec],
          ["cpu.user_usec", cpu.userUsec],
          ["cpu.system_usec", cpu.systemUsec],
          ["cpu.nr_periods", cpu.nrPeriods],
          ["cpu.nr_throttled", cpu.nrThrottled],
          ["cpu.throttled_usec", cpu.throttledUsec],
        ] as const)),
    ...(memory === undefined
      ? []
      : ([
          ["memory.usage", memory.usage],
          ["memory.usage_limit", memory.usageLimit],
          ["memory.swap_usage", memory.swapUsage],
          ["memory.swap_limit", memory.swapLimit],
        ] as const)),
  ];
}

function pidRows(pids: { readonly current: bigint; readonly limit: bigint } | undefined): Row[] {
  if (pids === undefined) return [];
  return [
    ["pids.current", pids.current],
    ["pids.limit", pids.limit],
  ];
}

function show(value: unknown): string {
  return Array.isArray(value) ? `[${value.join(" ")}]` : String(value);
}
