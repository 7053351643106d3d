// News for a follower that reads late: bounded, and the last word on everything is among it.
import { expect, test } from "vitest";
import { type Any, anyOfMessage } from "../../api/core/typeurl.js";
import { Empty } from "../../api/gen/google/protobuf/empty.js";
import { Progress } from "../../api/gen/types/transfer/progress.js";
import { Streams } from "../streams.js";
import { ProgressTeller } from "./progress-stream.js";

const ctx = { namespace: "n" };
const OBJECTS = 500;
const STATUSES = ["waiting", "downloading", "done", "unpacking", "unpacked"] as const;

/** A stream whose client has not begun to read. */
async function openStream() {
  const streams = new Streams();
  let leave = (): void => {};
  const silence = async function* (): AsyncGenerator<Any> {
    await new Promise<void>((resolve) => {
      leave = resolve;
    });
  };
  const outgoing = streams.serve(ctx, "s", anyOfMessage("google.protobuf.Empty", Empty, {}), silence());
  await outgoing.next();
  return { stream: streams.get(ctx, "s"), outgoing, leave };
}

async function rest(outgoing: AsyncGenerator<Any>): Promise<Progress[]> {
  const told: Progress[] = [];
  for await (const { value } of outgoing) told.push(Progress.decode(value));
  return told;
}

test("a follower that reads nothing until the end gets a bounded number, each object's end and the last line", async () => {
  const { stream, outgoing, leave } = await openStream();
  const teller = new ProgressTeller(stream);
  teller.line("Pulling");
  for (const status of STATUSES) {
    for (let at = 0; at < OBJECTS; at += 1) teller.event({ name: `object-${at}`, status });
  }
  teller.line("Completed");
  teller.end();
  const told = await rest(outgoing);
  leave();
  expect(told.length).toBeLessThanOrEqual(256 + OBJECTS + 2);
  expect(told[0]?.event).toBe("Pulling");
  expect(told.at(-1)?.event).toBe("Completed");
  const last = new Map(told.map(({ name, event }) => [name, event]));
  for (let at = 0; at < OBJECTS; at += 1) expect(last.get(`object-${at}`)).toBe("extracted");
});

test("a follower that keeps up gets everything, in order", async () => {
  const { stream, outgoing, leave } = await openStream();
  const teller = new ProgressTeller(stream);
  const reading = rest(outgoing);
  for (const status of STATUSES) {
    for (let at = 0; at < OBJECTS; at += 1) {
      teller.event({ name: `object-${at}`, status });
      if (at % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }
  teller.end();
  const told = await reading;
  leave();
  expect(told.length).toBe(OBJECTS * STATUSES.length);
  expect(told.filter(({ name }) => name === "object-7").map(({ event }) => event)).toEqual([
    "waiting",
    "downloading",
    "complete",
    "extracting",
    "extracted",
  ]);
});
