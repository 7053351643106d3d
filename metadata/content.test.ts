// The local store alone: what only its own process sees, and what is left after each failure.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ContentBackend } from "../api/core/content-backend.js";
import { DisposeScope } from "../api/core/dispose.js";
import { openContentBackend } from "../runtime/content/backend.js";
import { contentStoreConformance } from "../test/conformance/content-store.js";
import { commitBytes, digestOf, freshContext, leaveIngest, readAll } from "../test/conformance/content-world.js";
import { failure } from "../test/conformance/failure.js";
import { temporaryMetadata } from "../test/helpers/metadata.js";
import { tempDir } from "../test/helpers/temp.js";
import type { Metadata, MetadataOptions } from "./index.js";

contentStoreConformance("SQLite and files", (scope) => temporaryMetadata(scope), "2.x");

const hello = Buffer.from("hello");
const digest = digestOf(hello);

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe("the local content store", () => {
  let scope: DisposeScope;
  let root: string;
  let backend: ContentBackend;
  let metadata: Metadata;
  const ctx = freshContext();

  const open = async (options: Partial<MetadataOptions> = {}) => {
    metadata = await temporaryMetadata(scope, { root, content: backend, ...options });
  };

  beforeEach(async () => {
    scope = new DisposeScope();
    root = await tempDir(scope);
    backend = await openContentBackend({ rootDir: join(root, "content") });
    await open();
  });
  afterEach(() => scope[Symbol.asyncDispose]());

  test("every change is an event of the same transaction", async () => {
    await commitBytes(metadata.content, ctx, hello);
    await metadata.content.delete(ctx, digest);
    const events = metadata.events.subscribe({ after: 0n })[Symbol.asyncIterator]();
    expect((await events.next()).value).toMatchObject({ topic: "/content/delete", namespace: ctx.namespace });
    const named = metadata.events.subscribe({ after: 0n, filters: ['topic=="/content/create"'] });
    expect((await named[Symbol.asyncIterator]().next()).value).toMatchObject({ topic: "/content/create" });
  });

  test("a commit that finds its lease gone leaves the ingest", async () => {
    const { content, leases } = metadata;
    await leases.create(ctx, { id: "l" });
    // Another lease keeps the ingest meanwhile.
    await leases.create(ctx, { id: "other" });
    await leases.addResource(ctx, "other", { type: "ingests", id: "r" });
    const writer = await content.openWriter({ ...ctx, leaseId: "l" }, { ref: "r" });
    await writer.write(hello);
    await leases.delete(ctx, "l");
    expect(await failure(writer.commit())).toBe("not_found: lease does not exist: not found");
    await writer[Symbol.asyncDispose]();
    await using again = await content.openWriter({ ...ctx, leaseId: "other" }, { ref: "r" });
    expect(again.offsetBytes).toBe(5);
  });

  test("a commit after an abort finds nothing to commit, and the ref is free again", async () => {
    const { content } = metadata;
    const writer = await content.openWriter(ctx, { ref: "r" });
    await writer.write(hello);
    await content.abort(ctx, "r");
    await writer.write(hello);
    expect(await failure(writer.commit())).toBe("not_found: reference r: not found");
    await writer[Symbol.asyncDispose]();
    expect(await all(backend.ingests())).toEqual([]);
    expect(await commitBytes(content, ctx, hello, { ref: "r" })).toBe(digest);
  });

  test.each(["sha384", "sha512"])("%s, when that is what is expected", async (algorithm) => {
    const expected = digestOf(hello, algorithm);
    const { content } = metadata;
    expect(await commitBytes(content, ctx, hello, { expected })).toBe(expected);
    await using writer = await content.openWriter(ctx, { ref: "r", expected: digestOf(Buffer.from("x"), algorithm) });
    expect(writer.digest()).toBe(digestOf(Buffer.alloc(0), algorithm));
    expect((await readAll(content.read(ctx, expected))).toString()).toBe("hello");
  });

  test("cleanup frees what nobody names: blobs, ingests, half-made ones", async () => {
    const { content } = metadata;
    const other = freshContext();
    const stray = Buffer.from("stray");
    await commitBytes(content, ctx, hello);
    await commitBytes(content, other, hello);
    await commitBytes(content, ctx, stray);
    await leaveIngest(content, ctx, { ref: "kept" }, hello);
    // As a crash leaves them, between the bytes and the record.
    await (await backend.openIngest("nobody/1/x"))[Symbol.asyncDispose]();
    {
      await using orphan = await backend.openIngest("nobody/2/y");
      await orphan.write(Buffer.from("orphan"));
      await orphan.commit({});
    }
    await content.delete(ctx, digest);
    await content.delete(ctx, digestOf(stray));
    await metadata.collector.collect();
    await content.cleanup();
    expect(await all(backend.blobs())).toEqual([digest]);
    expect((await all(backend.ingests())).map(({ ref }) => ref)).toEqual([expect.stringMatching(/\/\d+\/kept$/)]);
    expect(existsSync(backend.path(digest))).toBe(true);
  });

  test("a blob that an ingest stands for outlives its namespace's record", async () => {
    const { content } = metadata;
    const other = freshContext();
    await commitBytes(content, other, hello);
    await using writer = await content.openWriter(ctx, { ref: "r", expected: digest });
    expect(writer.offsetBytes).toBe(5);
    await content.delete(other, digest);
    await content.cleanup();
    expect(await writer.commit({ labels: { "containerd.io/gc.root": "1" } })).toBe(digest);
    expect((await readAll(content.read(ctx, digest))).toString()).toBe("hello");
  });

  test("a cleanup waits for a commit and holds back the next one", async () => {
    const { content } = metadata;
    const commits = Array.from({ length: 8 }, (_, i) => commitBytes(content, ctx, Buffer.from(`blob ${i}`)));
    const cleanups = Array.from({ length: 8 }, () => content.cleanup());
    await Promise.all([...commits, ...cleanups]);
    for (let i = 0; i < 8; i += 1) {
      expect((await readAll(content.read(ctx, digestOf(Buffer.from(`blob ${i}`))))).toString()).toBe(`blob ${i}`);
    }
  });

  test("isolated namespaces give nothing away, unless they say so", async () => {
    await metadata[Symbol.asyncDispose]();
    await open({ contentSharing: "isolated" });
    const { content, namespaces } = metadata;
    const other = { namespace: freshContext().namespace ?? "" };
    await commitBytes(content, other, hello);
    const offset = async () => {
      await using writer = await content.openWriter(ctx, { ref: "r", expected: digest });
      return writer.offsetBytes;
    };
    expect(await offset()).toBe(0);
    const labels = { "containerd.io/namespace.shareable": "true" };
    await namespaces.update({}, { name: other.namespace, labels });
    expect(await offset()).toBe(5);
    await namespaces.update(
      {},
      { name: other.namespace, labels: { ...labels, "containerd.io/namespace.shareable": "no" } },
    );
    expect(await offset()).toBe(0);
  });

  test("an ingest opened without a lease can expire, one opened with a lease cannot", async () => {
    await metadata[Symbol.asyncDispose]();
    let nowNs = 1_700_000_000_000_000_000n;
    await open({ clock: () => nowNs });
    const { content, leases, collector } = metadata;
    await leases.create(ctx, { id: "l" });
    await leaveIngest(content, ctx, { ref: "free" }, hello);
    await leaveIngest(content, { ...ctx, leaseId: "l" }, { ref: "leased" }, hello);
    const refs = async () => (await content.listStatuses(ctx)).map(({ ref }) => ref);
    nowNs += 23n * 3_600_000_000_000n;
    await collector.collect();
    expect(await refs()).toEqual(["free", "leased"]);
    nowNs += 2n * 3_600_000_000_000n;
    await collector.collect();
    expect(await refs()).toEqual(["leased"]);
    await leases.delete(ctx, "l");
    await collector.collect();
    expect(await refs()).toEqual([]);
    expect(await all(backend.ingests())).toEqual([]);
  });

  test("content and ingests are there after the store was closed and opened again", async () => {
    await commitBytes(metadata.content, ctx, hello);
    await leaveIngest(metadata.content, ctx, { ref: "r" }, hello);
    await metadata[Symbol.asyncDispose]();
    await open();
    expect((await readAll(metadata.content.read(ctx, digest))).toString()).toBe("hello");
    await using writer = await metadata.content.openWriter(ctx, { ref: "r" });
    expect([writer.offsetBytes, writer.digest()]).toEqual([5, digest]);
  });
});
