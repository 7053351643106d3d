import { expect, test } from "vitest";
import type { Discovery, Finding } from "../../api/core/doctor.js";
import type { EventEnvelope } from "../../api/core/event.js";
import { decodeEvent } from "../../api/core/event-fields.js";
import { silentLogger } from "../../api/core/log.js";
import { createDoctor } from "./doctor.js";

const FOUND: Discovery = { kind: "odd", namespace: "ns", subject: "it", detail: "is odd", isProblem: true };

/** What the doctor says of one discovery, and what the ledger then holds. */
async function check(discovery: Discovery, repair: boolean): Promise<{ found: Finding[]; told: EventEnvelope[] }> {
  const told: EventEnvelope[] = [];
  const examiner = {
    async *examine() {
      yield discovery;
    },
  };
  const events = { tell: async (envelopes: readonly EventEnvelope[]) => void told.push(...envelopes) };
  const doctor = createDoctor({ examiners: [examiner], events, clock: () => 7n, log: silentLogger });
  const found: Finding[] = [];
  for await (const finding of doctor.check({}, { repair })) found.push(finding);
  return { found, told };
}

test("without being asked to it mends nothing", async () => {
  let mended = false;
  const repair = async () => {
    mended = true;
    return true;
  };
  const { found, told } = await check({ ...FOUND, repair }, false);
  expect(found).toEqual([{ ...FOUND, repairable: true, repaired: false }]);
  expect([mended, told]).toEqual([false, []]);
});

test("a repair is told, in the namespace of what it mended", async () => {
  const { found, told } = await check({ ...FOUND, repair: async () => true }, true);
  expect(found).toEqual([{ ...FOUND, repairable: true, repaired: true }]);
  expect(told).toMatchObject([{ timestampNs: 7n, namespace: "ns", topic: "/berth/doctor/repaired" }]);
  expect(told[0]?.event && decodeEvent(told[0].event)).toEqual({
    kind: "odd",
    namespace: "ns",
    subject: "it",
    detail: "is odd",
    is_problem: true,
    repairable: true,
    repaired: true,
  });
});

test.each([
  ["finds that it is in use again", async () => false, "is odd"],
  ["fails", () => Promise.reject(new Error("EBUSY")), "is odd; repair failed: EBUSY"],
])("a repair that %s is none, and the rest goes on", async (_what, repair, detail) => {
  const { found, told } = await check({ ...FOUND, repair }, true);
  expect(found).toEqual([{ ...FOUND, detail, repairable: true, repaired: false }]);
  expect(told).toEqual([]);
});

test("what cannot be proved ours is never touched", async () => {
  const { found } = await check(FOUND, true);
  expect(found).toEqual([{ ...FOUND, repairable: false, repaired: false }]);
});
