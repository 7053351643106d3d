// Events, as any client sees them: what happens is told in order, by filter, to every subscriber.
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { anyOfJson, type Client, type EventEnvelope, SPEC_TYPE } from "../../api/client/index.js";
import { until } from "../helpers/until.js";
import type { OpenClient } from "./client-subject.js";
import { failure } from "./failure.js";

const RUNTIME = { name: "io.containerd.runc.v2" };
const SPEC = { typeUrl: SPEC_TYPE, value: Buffer.from("{}") };

/** Topics of what a namespace's subscription saw so far; the daemon does not tell when one has taken effect, so a mark is sent until it comes. */
export async function follow(client: Client, namespace: string, signal: AbortSignal): Promise<EventEnvelope[]> {
  const seen: EventEnvelope[] = [];
  let marked = false;
  void failure(
    (async () => {
      for await (const envelope of client.events.subscribe({ filters: [`namespace==${namespace}`], signal })) {
        if (envelope.topic !== "/mark") seen.push(envelope);
        else marked = true;
      }
    })(),
  );
  await until("the subscription to be live", async () => {
    if (!marked) await client.events.publish({ namespace }, "/mark", anyOfJson("mark", {}));
    return marked;
  });
  return seen;
}

export function clientEventsConformance(open: OpenClient): void {
  test("events tell what happened, in order, each to all who listen", async () => {
    const namespace = `bt-${randomBytes(5).toString("hex")}`;
    await using client = open({ namespace });
    await using another = open();
    const controller = new AbortController();
    const seen = await Promise.all([client, another].map((each) => follow(each, namespace, controller.signal)));
    await client.containers.create({}, { id: "x", runtime: RUNTIME, spec: SPEC });
    await client.events.publish({}, "/own/topic", anyOfJson("own", { a: 1 }));
    await client.containers.delete({}, "x");
    for (const each of seen) {
      await until("the last event", () => each.some(({ topic }) => topic === "/containers/delete"));
      expect(each.map(({ topic }) => topic)).toEqual(["/containers/create", "/own/topic", "/containers/delete"]);
      expect(each[1]).toMatchObject({ namespace, event: anyOfJson("own", { a: 1 }) });
    }
    controller.abort();
  });

  test("a bad filter is refused by the iteration", async () => {
    await using client = open();
    const reading = (async () => {
      for await (const _ of client.events.subscribe({ filters: ["topic=="] }));
    })();
    expect(await failure(reading)).toMatch(/^unknown: .*parse error/);
  });
}
