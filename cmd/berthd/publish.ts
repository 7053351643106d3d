// `berthd publish`: what shims run as their publish binary. One event, from standard input, to the daemon's Publish.
import { connect } from "../../api/client/connect.js";
import { ContainerdError, invalidArgument } from "../../api/core/errors.js";
import { type Any, decodeAny } from "../../api/core/typeurl.js";

export interface PublishOptions {
  /** Path of the daemon's socket. */
  readonly address: string;
  readonly topic: string;
  readonly namespace: string;
  /** An encoded google.protobuf.Any. */
  readonly input: AsyncIterable<Buffer>;
}

const DEADLINE_MS = 10_000;

/** @throws invalid_argument without a topic or for input that is no Any; else what the daemon answers. */
export async function publish({ address, topic, namespace, input }: PublishOptions): Promise<void> {
  if (topic === "") throw new ContainerdError("invalid_argument", "topic required to publish event");
  const event = await readAny(input);
  await using client = connect({ address, namespace });
  await client.events.publish({ signal: AbortSignal.timeout(DEADLINE_MS) }, topic, event);
}

async function readAny(input: AsyncIterable<Buffer>): Promise<Any> {
  const chunks: Buffer[] = [];
  for await (const chunk of input) chunks.push(chunk);
  try {
    return decodeAny(Buffer.concat(chunks));
  } catch (error) {
    throw invalidArgument("standard input is not an encoded google.protobuf.Any", error);
  }
}
