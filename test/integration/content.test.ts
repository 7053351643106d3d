// Content through the daemon: large blobs, clients that go away, a daemon that is killed in the middle.
import { createHash, randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/index.js";
import type { ContentWriter } from "../../api/core/content.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { waitForWriter, writeBlob } from "../../api/core/write-blob.js";
import { digestOf, ROOT, readAll } from "../conformance/content-world.js";
import { failure } from "../conformance/failure.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { PATIENCE_MS, until } from "../helpers/until.js";

const MIB = 1 << 20;

describe("content through the daemon", () => {
  let scope: DisposeScope;
  let daemon: Berthd;
  let client: Client;
  const ctx = { namespace: "bt-content" };

  const dial = (address: string) => {
    client = scope.use(connect({ address }));
  };
  const start = async (config?: string) => {
    daemon = await startBerthd(scope, config === undefined ? {} : { config });
    dial(daemon.address);
  };

  beforeEach(() => {
    scope = new DisposeScope();
  });
  afterEach(() => scope[Symbol.asyncDispose]());

  /** The same bytes again at any offset, without keeping them. */
  function* block(sizeBytes: number, from = 0): Generator<Buffer> {
    for (let at = from; at < sizeBytes; at += MIB - (at % MIB)) {
      const whole = Buffer.alloc(MIB, `block ${Math.floor(at / MIB)} `);
      yield whole.subarray(at % MIB, Math.min(MIB, sizeBytes - Math.floor(at / MIB) * MIB));
    }
  }

  const digestOfBlock = (sizeBytes: number): string => {
    const hash = createHash("sha256");
    for (const chunk of block(sizeBytes)) hash.update(chunk);
    return `sha256:${hash.digest("hex")}`;
  };

  test("a large blob goes in and out", async () => {
    await start();
    const sizeBytes = 64 * MIB + 12_345;
    const expected = digestOfBlock(sizeBytes);
    const source = { ref: "large", sizeBytes, expected, labels: ROOT, bytes: (from: number) => block(sizeBytes, from) };
    expect(await writeBlob(client.content, ctx, source)).toBe(expected);
    const hash = createHash("sha256");
    for await (const chunk of client.content.read(ctx, expected)) hash.update(chunk);
    expect(`sha256:${hash.digest("hex")}`).toBe(expected);
  });

  test("an ingest survives the daemon's death at any moment and is gone on with", async () => {
    await start();
    const sizeBytes = 24 * MIB;
    const expected = digestOfBlock(sizeBytes);
    const source = { ref: "r", sizeBytes, expected, labels: ROOT, bytes: (from: number) => block(sizeBytes, from) };
    const offsets: number[] = [];
    for (const killAtBytes of [0, 5 * MIB, 17 * MIB, sizeBytes]) {
      const writer = await waitForWriter(client.content, ctx, { ref: "r", totalBytes: sizeBytes, expected });
      offsets.push(writer.offsetBytes);
      for (const chunk of block(killAtBytes, writer.offsetBytes)) await writer.write(chunk);
      // The answer to the commit is not waited for: it may have happened or not.
      const committing = killAtBytes === sizeBytes ? failure(writer.commit({ labels: ROOT })) : undefined;
      await daemon.kill();
      await committing;
      await writer[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
      daemon = await daemon.restart();
      dial(daemon.address);
    }
    expect(offsets).toEqual([0, 0, 5 * MIB, 17 * MIB]);
    expect(await writeBlob(client.content, ctx, source)).toBe(expected);
    expect(digestOf(await readAll(client.content.read(ctx, expected)))).toBe(expected);
    expect(await client.content.listStatuses(ctx)).toEqual([]);
  });

  test("a client that goes away lets its ref go", async () => {
    await start();
    const other = connect({ address: daemon.address });
    const left = await other.content.openWriter(ctx, { ref: "left" });
    await left.write(Buffer.from("hello"));
    const controller = new AbortController();
    const given = await client.content.openWriter({ ...ctx, signal: controller.signal }, { ref: "given up" });
    controller.abort();
    await other[Symbol.asyncDispose]();
    const reopen = async (ref: string): Promise<ContentWriter> => {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      return await waitForWriter(client.content, { ...ctx, signal }, { ref });
    };
    await using again = await reopen("left");
    expect(again.offsetBytes).toBe(5);
    await using _next = await reopen("given up");
    await given[Symbol.asyncDispose]();
    await left[Symbol.asyncDispose]();
  });

  test("a daemon that stops does not wait for writers", async () => {
    await start("stop_timeout_ms = 60000\n");
    await using writer = await client.content.openWriter(ctx, { ref: "r" });
    await writer.write(Buffer.from("hello"));
    expect((await daemon.stop()).code).toBe(0);
    expect(await failure(writer.write(Buffer.from("x")))).toMatch(/^unavailable: /);
    daemon = await daemon.restart();
    await until("the ingest to be there", async () => (await client.content.status(ctx, "r")).offsetBytes === 5);
  });

  test("readers that stop in the middle, and many at once", async () => {
    await start();
    const bytes = randomBytes(9 * MIB);
    const digest = await writeBlob(client.content, ctx, { ref: "r", bytes: () => [bytes], labels: ROOT });
    for (let i = 0; i < 20; i += 1) {
      for await (const chunk of client.content.read(ctx, digest)) {
        expect(chunk.length).toBe(MIB);
        break;
      }
    }
    const all = await Promise.all(Array.from({ length: 8 }, () => readAll(client.content.read(ctx, digest))));
    for (const read of all) expect(digestOf(read)).toBe(digest);
  });

  test("many write the same blob, each namespace under the same ref", async () => {
    await start();
    const bytes = randomBytes(2 * MIB);
    const source = { ref: "r", sizeBytes: bytes.length, expected: digestOf(bytes), labels: ROOT };
    const writes = Array.from({ length: 12 }, (_, i) =>
      writeBlob(
        client.content,
        { namespace: `bt-content-${i % 3}` },
        { ...source, bytes: (from: number) => [bytes.subarray(from)] },
      ),
    );
    expect(new Set(await Promise.all(writes))).toEqual(new Set([source.expected]));
  });

  test("isolation is a setting, and clients can read it", async () => {
    await start('content_sharing_policy = "isolated"\n');
    const digest = await writeBlob(client.content, ctx, { ref: "r", bytes: () => [Buffer.from("mine")], labels: ROOT });
    await using writer = await client.content.openWriter({ namespace: "bt-other" }, { ref: "r", expected: digest });
    expect(writer.offsetBytes).toBe(0);
    const plugins = await client.introspection.plugins(ctx);
    const found = (type: string) => plugins.find((plugin) => plugin.type === `io.containerd.${type}`);
    expect(found("metadata.v1")?.exports).toMatchObject({ policy: "isolated" });
    expect(found("content.v1")).toMatchObject({
      id: "content",
      exports: { root: expect.stringMatching(/^\/.*content$/) },
    });
  });
});
