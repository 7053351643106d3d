// Docker's stats as metrics: each number comes to its place, in its unit.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Metrics as V1 } from "../../../../api/gen/cgroups/v1/metrics.js";
import { Metrics as V2 } from "../../../../api/gen/cgroups/v2/metrics.js";
import { metricsOf } from "./stats.js";

const read = (version: string): unknown =>
  JSON.parse(
    readFileSync(new URL(`../../../../test/fixtures/specs/docker-stats-${version}.json`, import.meta.url), "utf8"),
  );

test("of a host with version 1", () => {
  const any = metricsOf(read("v1"));
  expect(any?.typeUrl).toBe("io.containerd.cgroups.v1.Metrics");
  const metrics = V1.decode(any?.value ?? Buffer.alloc(0));
  expect(metrics).toMatchObject({
    pids: { current: 1n, limit: 0n },
    cpu: {
      usage: { total: 24_338_684n, kernel: 0n, user: 10_000_000n, perCpu: [8_423_767n, 15_914_917n] },
      throttling: { periods: 0n, throttledPeriods: 0n, throttledTime: 0n },
    },
    memory: {
      rss: 53_248n,
      totalRss: 53_248n,
      inactiveAnon: 49_152n,
      pgFault: 1150n,
      totalPgPgOut: 825n,
      hierarchicalMemoryLimit: 9_223_372_036_854_771_712n,
      hierarchicalSwapLimit: 9_223_372_036_854_771_712n,
      // Not the host's memory, which Docker puts in the place of no limit.
      usage: { usage: 548_864n, max: 4_087_808n, failcnt: 0n, limit: 9_223_372_036_854_771_712n },
    },
    blkio: { ioServiceBytesRecursive: [] },
    network: [{ name: "eth0", rxBytes: 200n, rxPackets: 2n, txBytes: 0n }],
  });
});

test("of a host with version 1, the disks", () => {
  const entry = { major: 8, minor: 1, op: "Read", value: 5 };
  const stats = { ...(read("v1") as object), blkio_stats: { io_service_bytes_recursive: [entry] } };
  const { blkio } = V1.decode(metricsOf(stats)?.value ?? Buffer.alloc(0));
  expect(blkio?.ioServiceBytesRecursive).toMatchObject([{ major: 8n, minor: 1n, op: "Read", value: 5n }]);
});

test("of a host with version 2", () => {
  const any = metricsOf(read("v2"));
  expect(any?.typeUrl).toBe("io.containerd.cgroups.v2.Metrics");
  const { memory, ...metrics } = V2.decode(any?.value ?? Buffer.alloc(0));
  expect(metrics).toMatchObject({
    pids: { current: 3n, limit: 2n ** 64n - 1n },
    cpu: {
      usageUsec: 24_338n,
      systemUsec: 10_111n,
      userUsec: 14_227n,
      nrPeriods: 7n,
      nrThrottled: 2n,
      throttledUsec: 31n,
    },
    io: {
      usage: [
        { major: 254n, minor: 0n, rbytes: 90_112n, wbytes: 8192n },
        { major: 7n, minor: 1n, rbytes: 512n, wbytes: 0n },
      ],
    },
    network: [
      {
        ...{ name: "eth0", rxBytes: 200n, rxPackets: 2n, rxErrors: 3n, rxDropped: 4n },
        ...{ txBytes: 5n, txPackets: 6n, txErrors: 7n, txDropped: 8n },
      },
    ],
  });
  expect(memory).toMatchObject({ usage: 548_864n, usageLimit: 67_108_864n, swapUsage: 0n });
  // The fixture numbers the counters in the order of the message.
  const counters = Object.values(memory ?? {}).filter((value) => typeof value === "bigint");
  expect(counters.slice(0, 31)).toEqual(Array.from({ length: 31 }, (_, at) => BigInt(4096 * (at + 1))));
});

test("of Podman, which tells less of memory", () => {
  const stats = { ...(read("v1") as object), memory_stats: { usage: 5, limit: 6 } };
  const { memory } = V1.decode(metricsOf(stats)?.value ?? Buffer.alloc(0));
  expect(memory?.usage).toMatchObject({ usage: 5n, limit: 6n });
});

test("a container that does not run has none", () => {
  const none = { cpu_stats: { cpu_usage: { total_usage: 0 } }, memory_stats: {}, pids_stats: {}, networks: null };
  expect(metricsOf(none)).toBeUndefined();
});

test.each([["nothing"], [{ cpu_stats: {} }], [null]])("%j is no stats", (stats) => {
  expect(() => metricsOf(stats)).toThrow(expect.objectContaining({ kind: "unknown" }));
});
