import { expect, test } from "vitest";
import type { HostProcess } from "./host-process.js";
import { cpuTime, type ProcessSample, processListing, processRows } from "./process-rows.js";
import type { UsageSample } from "./task-usage.js";
import { usageListing, usageRow } from "./usage-rows.js";

const S = 1_000_000_000n;
const HOST_BYTES = 8 * 2 ** 30;
const sample = (more: Partial<UsageSample> = {}): UsageSample => ({
  ...{ id: "web", status: "running", timeNs: 100n * S, cpuNs: 5n * S, memoryBytes: 32n << 20n },
  ...more,
});
const cells = (row: Parameters<typeof usageListing.json>[0]): Record<string, string> =>
  Object.fromEntries(usageListing.columns.map(({ title, text }) => [title, text(row)]));

test("what a task uses is the difference of two moments", () => {
  const row = usageRow(sample({ timeNs: 102n * S, cpuNs: 8n * S, memoryLimitBytes: 64n << 20n }), sample(), HOST_BYTES);
  expect(row).toMatchObject({ cpuPercent: 150, memoryPercent: 50 });
  expect(cells(row)).toMatchObject({ "CPU %": "150.00%", "MEM USAGE / LIMIT": "32.0MiB / 64.0MiB", "MEM %": "50.00%" });
});

test("what nobody tells is a dash, and what was counted for another task no rate", () => {
  const first = usageRow(sample(), undefined, HOST_BYTES);
  expect(cells(first)).toMatchObject({ "CPU %": "-", "MEM USAGE / LIMIT": "32.0MiB / -", "NET I/O": "-", PIDS: "-" });
  expect(first.memoryPercent).toBeCloseTo(0.39, 2);
  const again = usageRow(sample({ timeNs: 101n * S, cpuNs: 1n * S }), sample(), HOST_BYTES);
  expect(again.cpuPercent).toBe(0);
  const ended = usageRow({ id: "web", status: "stopped", timeNs: 103n * S }, sample(), HOST_BYTES);
  expect(cells(ended)).toMatchObject({ CONTAINER: "web", STATUS: "stopped", "CPU %": "-", "MEM %": "-" });
});

test("what a task has moved", () => {
  const row = usageRow(
    sample({
      networkIo: { receivedBytes: 1_234_567n, sentBytes: 0n },
      blockIo: { readBytes: 10_000n, writtenBytes: 2n },
      pids: 3n,
    }),
    undefined,
    HOST_BYTES,
  );
  expect(cells(row)).toMatchObject({ "NET I/O": "1.235MB / 0B", "BLOCK I/O": "10kB / 2B", PIDS: "3" });
  expect(usageListing.json(row)).toMatchObject({
    networkReceived: 1_234_567n,
    blockWritten: 2n,
    cpuPercent: undefined,
  });
});

const process = (pid: number, more: Partial<HostProcess> = {}): HostProcess => ({
  ...{ pid, innerPid: 1, parentPid: 1, uid: 0, state: "R", threads: 1, cpuNs: 0n, residentBytes: 2 << 20 },
  ...{ startedAtMs: 0, command: `program ${pid}` },
  ...more,
});
const seen = (pid: number, timeMs: number, found: HostProcess | undefined): ProcessSample => ({
  ...{ id: "web", pid, timeMs },
  process: found,
});

test("processes are sorted by what they did since the last look, new ones by their life", () => {
  const before = [seen(1, 1_000, process(1, { cpuNs: S })), seen(2, 1_000, process(2, { cpuNs: S }))];
  const now = [
    seen(1, 3_000, process(1, { cpuNs: S })),
    seen(2, 3_000, process(2, { cpuNs: 2n * S })),
    seen(3, 3_000, process(3, { cpuNs: S, startedAtMs: 9_000 })),
    seen(4, 3_000, undefined),
  ];
  const rows = processRows(now, before, 10_000);
  expect(rows.map(({ pid, cpuPercent }) => [pid, cpuPercent])).toEqual([
    [3, 100],
    [2, 50],
    [1, 0],
    [4, undefined],
  ]);
  const text = (title: string): string[] =>
    rows.map((row) => processListing.columns.find((column) => column.title === title)?.text(row) ?? "");
  expect(text("CPU %")).toEqual(["100.0", "50.0", "0.0", "?"]);
  expect(text("COMMAND")).toEqual(["program 3", "program 2", "program 1", "(not to be seen from here)"]);
});

test("a pid that another process has now begins anew", () => {
  const before = [seen(1, 1_000, process(1, { cpuNs: 9n * S }))];
  const [row] = processRows([seen(1, 3_000, process(1, { cpuNs: S, startedAtMs: 6_000 }))], before, 10_000);
  expect(row?.cpuPercent).toBe(25);
});

test("time is shown as top does", () => {
  expect(cpuTime(3_250_000_000n)).toBe("0:03.25");
  expect(cpuTime(3_600n * S + 5n)).toBe("60:00.00");
});
