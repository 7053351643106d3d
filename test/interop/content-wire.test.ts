// Content.Write and Content.Read to the letter: the same words to a real containerd and to berthd, and the same answers.
import type { ServiceError } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { ZERO_TIME_SECONDS } from "../../api/core/time.js";
import {
  ReadContentRequest,
  WriteContentRequest,
  type WriteContentResponse,
} from "../../api/gen/services/content/v1/content.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import { collect, headers, type RawClients, rawClients } from "../helpers/grpc.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace } from "../helpers/temp.js";
import { PATIENCE_MS } from "../helpers/until.js";
import { CONVERSATIONS, digestOfText, ELSEWHERE, PRESENT, type Said } from "./conversations.js";

const lacking = requires.root() || requires.binary("containerd");

type Clients = Pick<RawClients, "content">;

/** What matters of a reply: whether a time is told, not which. */
const plain = (reply: WriteContentResponse) => ({
  action: reply.action,
  offset: reply.offset,
  total: reply.total,
  digest: reply.digest,
  started: (reply.startedAt?.seconds ?? ZERO_TIME_SECONDS) !== ZERO_TIME_SECONDS,
  updated: (reply.updatedAt?.seconds ?? ZERO_TIME_SECONDS) !== ZERO_TIME_SECONDS,
});

const statusOf = (error: unknown, namespace: string) => {
  if (!(error instanceof Error && "code" in error && "details" in error)) throw error;
  const { code, details } = error as ServiceError;
  // 1.6 words the size of labels otherwise.
  return {
    code,
    details: details
      .replaceAll(namespace, "NAMESPACE")
      .replace(/label key and value.* greater/, "label greater")
      .replace(/key: k.*: inv/, "key: inv"),
  };
};

/** Says one thing after the other, each when the last was answered; then everything that is still told. */
async function converse({ content }: Clients, namespace: string, words: readonly Said[]): Promise<unknown[]> {
  const call = content.write(headers(namespace), { deadline: Date.now() + PATIENCE_MS });
  const heard: unknown[] = [];
  try {
    const replies = call[Symbol.asyncIterator]();
    for (const { data = "", labels = {}, ...said } of words) {
      const message = { ...said, data: Buffer.from(data), labels: new Map(Object.entries(labels)) };
      call.write(WriteContentRequest.fromPartial(message as Partial<WriteContentRequest>));
      const step = await replies.next();
      if (step.done === true) return heard;
      heard.push(plain(step.value));
    }
    call.end();
    for (let step = await replies.next(); step.done !== true; step = await replies.next())
      heard.push(plain(step.value));
  } catch (error) {
    heard.push(statusOf(error, namespace));
  }
  return heard;
}

describe.skipIf(lacking)("content on the wire", () => {
  const scope = new DisposeScope();
  let daemons: readonly Clients[];

  beforeAll(async () => {
    const engines = await Promise.all([startContainerd(scope), startBerthd(scope)]);
    daemons = engines.map(({ address }) => scope.use(rawClients(address)));
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  const put = (clients: Clients, namespace: string, text: string) =>
    converse(clients, namespace, [{ action: 2, ref: "setup", data: text, labels: { "containerd.io/gc.root": "1" } }]);

  test.each(CONVERSATIONS)("$name", async ({ streams }) => {
    const [theirs, ours] = await Promise.all(
      daemons.map(async (clients) => {
        const [namespace, other] = [freshNamespace(scope), freshNamespace(scope)];
        await put(clients, namespace, PRESENT);
        await put(clients, other, ELSEWHERE);
        const heard: unknown[] = [];
        for (const words of streams) heard.push(await converse(clients, namespace, words));
        return heard;
      }),
    );
    expect(ours).toEqual(theirs);
  });

  test.each<[bigint, bigint]>([
    [0n, 0n],
    [1n, 0n],
    [1_500_000n, 0n],
    [1_500_000n, 1_200_000n],
    [0n, 99_999_999n],
    [-5n, 3n],
    [2_500_000n, 0n],
    [2_500_001n, 0n],
    [3n, -1n],
    [2n ** 62n, 0n],
  ])("read from %s, %s bytes", async (offset, size) => {
    const text = "0123456789".repeat(250_000);
    const [theirs, ours] = await Promise.all(
      daemons.map(async (clients) => {
        const namespace = freshNamespace(scope);
        await put(clients, namespace, text);
        const request = ReadContentRequest.fromPartial({ digest: digestOfText(text), offset, size });
        try {
          const replies = await collect(clients.content.read(request, headers(namespace)));
          return replies.map((reply) => [reply.offset, reply.data.length, digestOfText(reply.data.toString())]);
        } catch (error) {
          return statusOf(error, namespace);
        }
      }),
    );
    expect(ours).toEqual(theirs);
  });
});
