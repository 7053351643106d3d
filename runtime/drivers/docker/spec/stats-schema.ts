// What Docker tells of a container's use of the host, as far as metrics are made of it.
// @source moby api/types/stats.go
import * as z from "zod";

const count = z
  .number()
  .nullish()
  .transform((value) => toCount(value));
/** JSON numbers lose the last bits of the largest of 64, which says "no limit". */
const MAX = 2n ** 64n - 1n;
const toCount = (value: number | null | undefined): bigint => {
  const whole = BigInt(Math.max(0, Math.trunc(value ?? 0)));
  return whole > MAX ? MAX : whole;
};
const disks = z
  .array(z.object({ major: count, minor: count, op: z.string().default(""), value: count }))
  .nullish()
  .transform((list) => list ?? []);

/** One answer of `GET /containers/ID/stats`. */
export const statsSchema = z.object({
  pids_stats: z.object({ current: count, limit: count }).default({ current: 0n, limit: 0n }),
  cpu_stats: z.object({
    cpu_usage: z.object({
      total_usage: count,
      percpu_usage: z
        .array(z.number())
        .nullish()
        .transform((list) => list?.map(toCount) ?? []),
      usage_in_kernelmode: count,
      usage_in_usermode: count,
    }),
    throttling_data: z
      .object({ periods: count, throttled_periods: count, throttled_time: count })
      .default({ periods: 0n, throttled_periods: 0n, throttled_time: 0n }),
  }),
  memory_stats: z.object({
    usage: count,
    max_usage: count,
    failcnt: count,
    limit: count,
    stats: z
      .record(z.string(), z.number())
      .nullish()
      .transform((stats) => new Map(Object.entries(stats ?? {}).map(([name, value]) => [name, toCount(value)]))),
  }),
  blkio_stats: z
    .object({ io_service_bytes_recursive: disks, io_serviced_recursive: disks })
    .default({ io_service_bytes_recursive: [], io_serviced_recursive: [] }),
  networks: z
    .record(
      z.string(),
      z.object({
        rx_bytes: count,
        rx_packets: count,
        rx_errors: count,
        rx_dropped: count,
        tx_bytes: count,
        tx_packets: count,
        tx_errors: count,
        tx_dropped: count,
      }),
    )
    .nullish()
    .transform((networks) => new Map(Object.entries(networks ?? {}))),
});

export type DockerStats = z.infer<typeof statsSchema>;
