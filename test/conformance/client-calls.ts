// How any client's calls fail, and how they end before their time: refusals by kind and message, aborts, deadlines, the end of
// the client.
import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type Client, type RequestContext, SPEC_TYPE } from "../../api/client/index.js";
import { until } from "../helpers/until.js";
import type { OpenClient } from "./client-subject.js";
import { failure } from "./failure.js";

const NONE = `sha256:${"0".repeat(64)}`;
const RUNTIME = { name: "io.containerd.runc.v2" };
const SPEC = { typeUrl: SPEC_TYPE, value: Buffer.from("{}") };
const freshName = (): string => `bt-${randomBytes(5).toString("hex")}`;

type Refused = readonly [what: string, call: (client: Client, ctx: RequestContext) => Promise<unknown>, want: string];

const REFUSED: readonly Refused[] = [
  [
    "no container",
    ({ containers }) => containers.get({}, "x"),
    'not_found: container "x" in namespace "NS": not found',
  ],
  [
    "no container to delete",
    ({ containers }) => containers.delete({}, "x"),
    'not_found: cannot delete container "x" in namespace "NS": not found',
  ],
  [
    "a container of a malformed id",
    ({ containers }) => containers.create({}, { id: "a b", runtime: RUNTIME, spec: SPEC }),
    'invalid_argument: create container failed validation: container.ID: identifier "a b" must match ^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$: invalid argument',
  ],
  [
    "a bad filter",
    ({ containers }) => containers.list({}, ["id=="]),
    "invalid_argument: filters: parse error: [id==]: expected value or quoted: invalid argument: invalid argument",
  ],
  ["no blob", ({ content }) => content.info({}, NONE), `not_found: content digest ${NONE}: not found`],
  [
    "bytes of no blob",
    async ({ content }) => {
      for await (const _ of content.read({}, NONE));
    },
    `not_found: content digest ${NONE}: not found`,
  ],
  ["no lease", ({ leases }) => leases.delete({}, "x"), 'not_found: lease "x": not found'],
  ["no task", ({ tasks }) => tasks.get({}, "x", ""), 'not_found: container "x" in namespace "NS": not found'],
  ["no namespace", ({ namespaces }) => namespaces.delete({}, "nope"), 'not_found: namespace "nope": not found'],
  [
    "a namespace left out",
    ({ containers }) => containers.list({ namespace: "" }),
    "failed_precondition: namespace is required: failed precondition",
  ],
  [
    "a namespace that no header can carry",
    ({ containers }) => containers.list({ namespace: "ä" }),
    'invalid_argument: namespace "ä" must be printable ASCII: invalid argument',
  ],
  [
    "more than 16 MiB",
    ({ containers }) =>
      containers.create({}, { id: "x", runtime: RUNTIME, spec: { ...SPEC, value: Buffer.alloc(16 << 20) } }),
    "resource_exhausted: Attempted to send message with a size larger than 16777216",
  ],
];

export function clientCallsConformance(open: OpenClient): void {
  test.each(REFUSED)("refuses %s", async (_, call, want) => {
    const namespace = freshName();
    await using client = open({ namespace });
    expect((await failure(call(client, {}))).replaceAll(namespace, "NS")).toBe(want);
  });

  test("refuses what is there already", async () => {
    await using client = open({ namespace: freshName() });
    await client.containers.create({}, { id: "x", runtime: RUNTIME, spec: SPEC });
    const again = client.containers.create({}, { id: "x", runtime: RUNTIME, spec: SPEC });
    expect(await failure(again)).toBe('already_exists: container "x": already exists');
    await client.containers.delete({}, "x");
  });

  test("refuses a blob that is not what was promised, and a second writer", async () => {
    await using client = open({ namespace: freshName() });
    await using writer = await client.content.openWriter({}, { ref: "r" });
    await writer.write(Buffer.from("x"));
    expect(await failure(client.content.openWriter({}, { ref: "r" }))).toMatch(
      /^unavailable: .*locked.*: unavailable$/,
    );
    expect(await failure(writer.commit({ expected: NONE }))).toMatch(/^failed_precondition: unexpected commit digest /);
  });

  test("a call's own namespace counts before the client's", async () => {
    const [one, two] = [freshName(), freshName()];
    await using client = open({ namespace: one });
    await client.containers.create({ namespace: two }, { id: "x", runtime: RUNTIME, spec: SPEC });
    expect(await client.containers.list({})).toEqual([]);
    expect((await client.containers.list({ namespace: two })).map(({ id }) => id)).toEqual(["x"]);
    await client.containers.delete({ namespace: two }, "x");
  });

  aborts(open);
  closing(open);
}

function aborts(open: OpenClient): void {
  const hang = (client: Client, signal: AbortSignal): Promise<unknown> =>
    (async () => {
      for await (const _ of client.events.subscribe({ filters: ['topic=="/never"'], signal }));
    })();

  test("an aborted signal stops calls before they begin", async () => {
    await using client = open({ namespace: freshName() });
    const ctx = { signal: AbortSignal.abort() };
    expect(await failure(client.containers.list(ctx))).toBe("cancelled: context canceled");
    expect(await failure(client.containers.delete(ctx, "x"))).toBe("cancelled: context canceled");
    expect(await failure(client.content.openWriter(ctx, { ref: "r" }))).toBe("cancelled: context canceled");
  });

  test("an abort ends a stream, a timeout does so as a passed deadline", async () => {
    await using client = open({ namespace: freshName() });
    const controller = new AbortController();
    const ended = failure(hang(client, controller.signal));
    controller.abort();
    expect(await ended).toBe("cancelled: context canceled");
    expect(await failure(hang(client, AbortSignal.timeout(50)))).toBe("deadline_exceeded: context deadline exceeded");
  });

  test("an abort ends a conversation, and frees what it held", async () => {
    await using client = open({ namespace: freshName() });
    const controller = new AbortController();
    const writer = await client.content.openWriter({ signal: controller.signal }, { ref: "r" });
    await writer.write(Buffer.from("some"));
    controller.abort();
    expect(await failure(writer.write(Buffer.from("more")))).toBe("cancelled: context canceled");
    const again = await until("the ingest to be free", () => client.content.openWriter({}, { ref: "r" }));
    await again[Symbol.asyncDispose]();
    expect((await client.content.status({}, "r")).offsetBytes).toBe(4);
    await client.content.abort({}, "r");
  });
}

function closing(open: OpenClient): void {
  describe("a client that is closed", () => {
    test("refuses calls", async () => {
      const client = open({ namespace: freshName() });
      await client[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
      const closed = /^failed_precondition: the client of .* has been closed: failed precondition$/;
      expect(await failure(client.containers.list({}))).toMatch(closed);
      expect(await failure(client.containers.delete({}, "x"))).toMatch(closed);
      expect(await failure(client.ready({ timeoutMs: 1 }))).toMatch(closed);
    });

    test("ends what is open", async () => {
      const namespace = freshName();
      const client = open({ namespace });
      const writer = await client.content.openWriter({}, { ref: "r" });
      const events = client.events.subscribe()[Symbol.asyncIterator]();
      const next = failure(events.next());
      await client[Symbol.asyncDispose]();
      expect(await next).toMatch(/^cancelled: /);
      expect(await failure(writer.write(Buffer.from("x")))).toMatch(/^cancelled: /);
      await using other = open({ namespace });
      const again = await until("the ingest to be free", () => other.content.openWriter({}, { ref: "r" }));
      await again[Symbol.asyncDispose]();
      await other.content.abort({}, "r");
    });
  });
}
