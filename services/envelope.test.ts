import { describe, expect, test } from "vitest";
import { Envelope } from "../api/gen/types/event.js";
import { fromForwardedEnvelope } from "./envelope.js";

const event = { typeUrl: "x", value: Buffer.from("y") };
const whole = { timestamp: { seconds: 5n, nanos: 7 }, namespace: "n", topic: "/a", event };

describe("fromForwardedEnvelope", () => {
  test("keeps the sender's time and payload", () => {
    expect(fromForwardedEnvelope(Envelope.fromPartial(whole))).toMatchObject({
      timestampNs: 5_000_000_007n,
      namespace: "n",
      topic: "/a",
      event,
    });
  });

  test.each([
    ["no envelope", undefined, "envelope must be set: invalid argument"],
    ["no time", { ...whole, timestamp: undefined }, "timestamp must be set on forwarded event: invalid argument"],
    [
      "Go's zero time",
      { ...whole, timestamp: { seconds: -62_135_596_800n, nanos: 0 } },
      "timestamp must be set on forwarded event: invalid argument",
    ],
    [
      "too many nanoseconds",
      { ...whole, timestamp: { seconds: 1n, nanos: 1_000_000_000 } },
      "timestamp of forwarded event out of range: invalid argument",
    ],
    [
      "the year 10000",
      { ...whole, timestamp: { seconds: 253_402_300_800n, nanos: 0 } },
      "timestamp of forwarded event out of range: invalid argument",
    ],
    ["no event", { ...whole, event: undefined }, "event must be set: invalid argument"],
  ])("refuses %s", (_, envelope, message) => {
    expect(() => fromForwardedEnvelope(envelope && Envelope.fromPartial(envelope))).toThrow(
      expect.objectContaining({ kind: "invalid_argument", message }),
    );
  });
});
