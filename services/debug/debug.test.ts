import { statSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import type { ProfileKind } from "../../api/core/debug.js";
import { isFailedPrecondition, isInvalidArgument } from "../../api/core/errors.js";
import { createDebug } from "./debug.js";

async function profile(kind: ProfileKind, durationMs = 50, signal?: AbortSignal): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of createDebug().profile({ signal }, kind, { durationMs })) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

/** Holds up this process until somebody ends it. */
function busy(forMs: number): void {
  const end = performance.now() + forMs;
  while (performance.now() < end) Math.sqrt(end);
}

test("a CPU profile names the function that was busy", async () => {
  const pending = profile("cpu", 300);
  for (let turn = 0; turn < 4; turn += 1) {
    await delay(20);
    busy(40);
  }
  const found = JSON.parse(await pending);
  expect(found).toMatchObject({ nodes: expect.any(Array), samples: expect.any(Array), timeDeltas: expect.any(Array) });
  const names = found.nodes.map((node: { callFrame: { functionName: string } }) => node.callFrame.functionName);
  expect(names).toContain("busy");
});

test("a heap snapshot is one JSON document", async () => {
  const { snapshot, nodes } = JSON.parse(await profile("heap"));
  expect(nodes.length).toBe(snapshot.node_count * snapshot.meta.node_fields.length);
});

test("allocations are sampled", async () => {
  const pending = profile("allocations", 200);
  const kept: object[] = [];
  await delay(20);
  for (let i = 0; i < 20_000; i += 1) kept.push({ i, text: String(i).repeat(10) });
  const { head } = JSON.parse(await pending);
  expect(kept).toHaveLength(20_000);
  expect(head.children.length).toBeGreaterThan(0);
});

test("the event loop's delays are told, and how busy it was", async () => {
  const pending = profile("block", 200);
  await delay(20);
  busy(100);
  const found = JSON.parse(await pending);
  expect(found.max).toBeGreaterThan(60e6);
  expect(found).toMatchObject({
    durationNs: 200e6,
    utilization: expect.any(Number),
    percentiles: { 50: expect.any(Number) },
  });
});

test("a trace tells of Node's own doings, one at a time", async () => {
  const debug = createDebug();
  const pieces: Uint8Array[] = [];
  const first = debug.profile({}, "trace", { durationMs: 200 })[Symbol.asyncIterator]();
  const begun = first.next();
  const second = debug.profile({}, "trace", { durationMs: 200 })[Symbol.asyncIterator]();
  await expect(second.next()).rejects.toSatisfy(isFailedPrecondition);
  for (let step = await begun; !step.done; step = await first.next()) {
    pieces.push(step.value);
    statSync(".");
  }
  const { traceEvents } = JSON.parse(Buffer.concat(pieces).toString());
  expect(traceEvents).toContainEqual(expect.objectContaining({ cat: expect.any(String), ts: expect.any(Number) }));
});

test("a report holds no environment", async () => {
  const found = JSON.parse(await profile("report"));
  expect(found.header.nodejsVersion).toBe(process.version);
  expect(found.libuv).toEqual(expect.any(Array));
  expect(found).not.toHaveProperty("environmentVariables");
});

test("a profile that nobody waits for any more ends", async () => {
  const abort = new AbortController();
  const pending = profile("cpu", 600_000, abort.signal);
  abort.abort();
  await expect(pending).rejects.toMatchObject({ name: "AbortError" });
  // The next one is not held up by what the first had begun.
  await expect(profile("cpu", 10)).resolves.toContain("nodes");
});

test("more than ten minutes are refused", async () => {
  await expect(profile("cpu", 600_001)).rejects.toSatisfy(isInvalidArgument);
});
