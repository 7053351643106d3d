import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DisposeScope } from "../api/core/dispose.js";
import type { LedgerEvent } from "../api/core/event.js";
import { temporaryMetadata } from "../test/helpers/metadata.js";
import type { Metadata } from "./index.js";

const SECOND = 1_000_000_000n;
const START = 1_700_000_000n * SECOND;

let scope: DisposeScope;
let metadata: Metadata;
let nowNs = START;

beforeEach(async () => {
  scope = new DisposeScope();
  nowNs = START;
  metadata = await temporaryMetadata(scope, { clock: () => nowNs });
});

afterEach(async () => {
  vi.useRealTimers();
  await scope[Symbol.asyncDispose]();
});

/** Events one second apart, the first at START. */
async function tell(...topics: string[]): Promise<void> {
  for (const topic of topics) {
    await metadata.events.append([{ timestampNs: nowNs, namespace: "ns", topic, event: undefined }]);
    nowNs += SECOND;
  }
}

async function topicsOf(events: AsyncIterable<LedgerEvent>): Promise<string[]> {
  const topics: string[] = [];
  for await (const { topic } of events) topics.push(topic);
  return topics;
}

test("reads all that is kept and ends at the present", async () => {
  await tell("/a", "/b", "/c");
  const reading = metadata.events.read();
  await tell("/later");
  expect(reading.after).toBe(0n);
  expect(await topicsOf(reading)).toEqual(["/a", "/b", "/c"]);
  expect(await topicsOf(metadata.events.read({ after: 4n }))).toEqual([]);
});

test.each([
  ["from a time on", { sinceNs: START + SECOND }, ["/b", "/c", "/d"]],
  ["from within a second", { sinceNs: START + SECOND + 1n }, ["/c", "/d"]],
  ["before a time", { untilNs: START + 2n * SECOND }, ["/a", "/b"]],
  ["between two", { sinceNs: START + SECOND, untilNs: START + 3n * SECOND }, ["/b", "/c"]],
  ["behind a position and from a time on", { after: 3n, sinceNs: START }, ["/d"]],
  ["from a time to come", { sinceNs: START + 100n * SECOND }, []],
  ["of some topics", { filters: ['topic=="/b"', 'topic=="/d"'] }, ["/b", "/d"]],
])("reads %s", async (_, options, expected) => {
  await tell("/a", "/b", "/c", "/d");
  expect(await topicsOf(metadata.events.read(options))).toEqual(expected);
});

test("what was written late is found by its own time", async () => {
  await tell("/a", "/b");
  await metadata.events.append([{ timestampNs: START + SECOND, namespace: "ns", topic: "/late", event: undefined }]);
  expect(await topicsOf(metadata.events.read({ untilNs: START + 2n * SECOND }))).toEqual(["/a", "/b", "/late"]);
  expect(await topicsOf(metadata.events.read({ sinceNs: START + SECOND }))).toEqual(["/b", "/late"]);
});

test("goes on with what comes, without a hole, over many pages", async () => {
  const numbers = Array.from({ length: 1_000 }, (_, index) => `/${index}`);
  const append = (topics: readonly string[]) =>
    metadata.events.append(topics.map((topic) => ({ timestampNs: nowNs, namespace: "ns", topic, event: undefined })));
  await append(numbers.slice(0, 600));
  const seen: string[] = [];
  const stop = new AbortController();
  const reading = metadata.events.read({ follow: true, signal: stop.signal });
  const reader = (async () => {
    for await (const { topic } of reading) {
      seen.push(topic);
      if (seen.length === numbers.length) stop.abort();
    }
  })();
  for (let at = 600; at < numbers.length; at += 50) await append(numbers.slice(at, at + 50));
  await reader;
  expect(seen).toEqual(numbers);
});

test("a follower ends when its time has come", async () => {
  await tell("/a");
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const topics = topicsOf(metadata.events.read({ follow: true, untilNs: nowNs + 10n * SECOND }));
  await tell("/b");
  nowNs += 20n * SECOND;
  await tell("/c");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await topics).toEqual(["/a", "/b"]);
  expect(await topicsOf(metadata.events.read({ follow: true, untilNs: START }))).toEqual([]);
});

test("refuses a position that is gone, one that is ahead, and a bad filter", async () => {
  await tell("/a");
  expect(() => metadata.events.read({ after: 2n })).toThrow("event 2 is ahead of the ledger, which is at 1");
  expect(() => metadata.events.read({ after: -2n })).toThrow("events behind -2 are gone: the ledger begins at 1");
  expect(() => metadata.events.read({ filters: ["topic=x"] })).toThrow("unsupported operator");
});

test("a reader that stops early leaves nothing open", async () => {
  await tell("/a", "/b");
  for await (const { topic } of metadata.events.read({ follow: true, untilNs: nowNs + 1_000n * SECOND })) {
    expect(topic).toBe("/a");
    break;
  }
  await turn();
  expect(metadata.events.position).toBe(2n);
});
