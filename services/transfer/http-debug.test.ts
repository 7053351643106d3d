// A log for a client that reads late: bounded, and it is told what it missed.
import { expect, test } from "vitest";
import { AsyncQueue } from "../../api/core/async-queue.js";
import { readBytes } from "../../api/core/byte-stream.js";
import { type Any, anyOfMessage } from "../../api/core/typeurl.js";
import { Empty } from "../../api/gen/google/protobuf/empty.js";
import { Streams } from "../streams.js";
import { LogStream } from "./http-debug.js";

const ctx = { namespace: "n" };

test("what is not read in time is left out, and that is told", async () => {
  const streams = new Streams();
  const fromClient = new AsyncQueue<Any>();
  const outgoing = streams.serve(ctx, "s", anyOfMessage("google.protobuf.Empty", Empty, {}), fromClient);
  await outgoing.next();
  const logs = new LogStream(streams.get(ctx, "s"));
  const line = `${"x".repeat(1023)}\n`;
  for (let at = 0; at < 2_000; at += 1) logs.tell(line);
  logs[Symbol.dispose]();
  logs.tell("too late\n");
  let text = "";
  const client = { incoming: outgoing, send: async (message: Any) => void fromClient.put(message) };
  for await (const bytes of readBytes(client)) text += Buffer.from(bytes).toString();
  const lines = text.split("\n").slice(0, -1);
  expect(lines.length).toBeLessThan(300);
  const [, count] = /^\[(\d+) left out/.exec(lines.at(-1) ?? "") ?? [];
  expect(lines.length - 1 + Number(count)).toBe(2_000);
  fromClient.end();
});
