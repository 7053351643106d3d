// Events on their way to a daemon that is there, comes late, or goes and comes back: all of them, once, in order.
import { join } from "node:path";
import { expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { silentLogger } from "../../api/core/log.js";
import { systemClock } from "../../api/core/time.js";
import { serveTtrpc } from "../../runtime/ttrpc/server.js";
import { defineShimEventsService } from "../../services/ttrpc/events.js";
import { tempDir } from "../../test/helpers/temp.js";
import { until } from "../../test/helpers/until.js";
import { EventQueue } from "./event-queue.js";

const EVENT = { typeUrl: "t", value: Buffer.alloc(0) };

test("in order, whether the daemon is there or not", async () => {
  await using scope = new DisposeScope();
  const path = join(await tempDir(scope), "e.sock");
  const told: string[] = [];
  const daemon = () =>
    serveTtrpc({
      path,
      services: [
        defineShimEventsService({
          forward: async ({ namespace, topic }) => void told.push(`${namespace} ${topic}`),
        }),
      ],
    });
  const queue = scope.use(
    new EventQueue({ namespace: "ns", ttrpcAddress: path, clock: systemClock, log: silentLogger }),
  );
  for (const topic of ["/a", "/b", "/c"]) queue.push(topic, EVENT);
  const first = await daemon();
  await until("three events", () => told.length === 3);
  await first[Symbol.asyncDispose]();
  for (const topic of ["/d", "/e"]) queue.push(topic, EVENT);
  scope.use(await daemon());
  queue.push("/f", EVENT);
  await until("six events", () => told.length === 6);
  expect(told).toEqual(["/a", "/b", "/c", "/d", "/e", "/f"].map((topic) => `ns ${topic}`));
  await queue.drained(1);
});

test("an event that the daemon refuses does not hold up those behind it for ever", async () => {
  await using scope = new DisposeScope();
  const path = join(await tempDir(scope), "e.sock");
  const told: string[] = [];
  const service = defineShimEventsService({
    forward: async ({ topic }) => {
      if (topic === "/bad") throw new Error("no");
      told.push(topic);
    },
  });
  scope.use(await serveTtrpc({ path, services: [service] }));
  const queue = scope.use(
    new EventQueue({ namespace: "ns", ttrpcAddress: path, clock: systemClock, log: silentLogger, keepMs: 1_500 }),
  );
  queue.push("/bad", EVENT);
  queue.push("/good", EVENT);
  await until("the one behind it", () => told.length === 1);
  expect(told).toEqual(["/good"]);
});
