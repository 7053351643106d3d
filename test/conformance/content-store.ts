// What every content store does with blobs, the one on SQLite and files and the one that speaks to a daemon. Words are containerd's.
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ContentStore } from "../../api/core/content.js";
import type { RequestContext } from "../../api/core/context.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { contentIngestConformance } from "./content-ingests.js";
import { contentLeaseConformance } from "./content-leases.js";
import { commitBytes, digestOf, freshContext, type MakeContentWorld, ROOT, readAll } from "./content-world.js";
import { type Dialect, labelTooLarge } from "./dialect.js";
import { failure } from "./failure.js";

const NONE = `sha256:${"0123456789abcdef".repeat(4)}`;

/** Registers the suite; `name` says whose store it is. */
export function contentStoreConformance(name: string, makeWorld: MakeContentWorld, dialect: Dialect): void {
  describe(`content store: ${name}`, () => {
    contentIngestConformance(makeWorld, dialect);
    contentLeaseConformance(makeWorld);
    blobs(makeWorld, dialect);
  });
}

function blobs(makeWorld: MakeContentWorld, dialect: Dialect): void {
  describe("blobs", () => {
    let scope: DisposeScope;
    let store: ContentStore;
    let ctx: RequestContext;

    beforeEach(async () => {
      scope = new DisposeScope();
      store = (await makeWorld(scope)).content;
      ctx = freshContext();
    });
    afterEach(() => scope[Symbol.asyncDispose]());

    const put = (bytes: Uint8Array, labels = {}) => commitBytes(store, ctx, bytes, { labels: { ...ROOT, ...labels } });
    const list = async (...filters: string[]) => {
      const digests: string[] = [];
      for await (const page of store.list(ctx, filters)) {
        expect(page.length).toBeLessThanOrEqual(100);
        digests.push(...page.map(({ digest }) => digest));
      }
      return digests;
    };

    test("what was committed can be read back", async () => {
      const bytes = randomBytes(3_500_000);
      const digest = await put(bytes, { a: "1", none: "" });
      expect(digest).toBe(digestOf(bytes));
      const info = await store.info(ctx, digest);
      expect(info).toEqual({
        digest,
        sizeBytes: bytes.length,
        labels: { ...ROOT, a: "1" },
        createdAtNs: expect.any(BigInt),
        updatedAtNs: info.createdAtNs,
      });
      expect(info.createdAtNs).toBeGreaterThan(1_600_000_000_000_000_000n);
      expect((await readAll(store.read(ctx, digest))).equals(bytes)).toBe(true);
    });

    test("no bytes at all are a blob", async () => {
      const digest = await put(Buffer.alloc(0));
      expect(digest).toBe(digestOf(Buffer.alloc(0)));
      expect(await readAll(store.read(ctx, digest))).toHaveLength(0);
    });

    test.each<[number | undefined, number | undefined, string]>([
      [undefined, undefined, "hello"],
      [1, undefined, "ello"],
      [1, 2, "el"],
      [1, 0, "ello"],
      [1, 100, "ello"],
      [0, -1, "hello"],
      [5, undefined, ""],
      [-3, 2, "he"],
    ])("read from %s, %s bytes", async (offsetBytes, sizeBytes, want) => {
      const digest = await put(Buffer.from("hello"));
      const options = {
        ...(offsetBytes !== undefined && { offsetBytes }),
        ...(sizeBytes !== undefined && { sizeBytes }),
      };
      expect((await readAll(store.read(ctx, digest, options))).toString()).toBe(want);
    });

    test("reading beyond the end is refused", async () => {
      const digest = await put(Buffer.from("hello"));
      expect(await failure(readAll(store.read(ctx, digest, { offsetBytes: 6 })))).toBe(
        "out_of_range: read past object length 5 bytes",
      );
    });

    test("a blob that is not there", async () => {
      const missing = `not_found: content digest ${NONE}: not found`;
      await put(Buffer.from("other"));
      expect(await failure(store.info(ctx, NONE))).toBe(missing);
      expect(await failure(readAll(store.read(ctx, NONE)))).toBe(missing);
      expect(await failure(store.update(ctx, { digest: NONE, labels: {} }))).toBe(missing);
      expect(await failure(store.delete(ctx, NONE))).toBe(missing);
    });

    test("each namespace has its own", async () => {
      const digest = await put(Buffer.from(`of one alone ${ctx.namespace}`));
      const other = freshContext();
      await commitBytes(store, other, Buffer.from("theirs"));
      expect(await failure(store.info(other, digest))).toBe(`not_found: content digest ${digest}: not found`);
      expect(await failure(readAll(store.read(other, digest)))).toBe(`not_found: content digest ${digest}: not found`);
    });

    test.each([
      "nothing",
      "sha256:abc",
      "md5:abc",
      `sha256:${"A".repeat(64)}`,
      "sha256:../../../../etc/passwd",
      "",
      "a\0b",
    ])("a malformed digest is refused: %j", async (digest) => {
      const calls = [
        () => store.info(ctx, digest),
        () => readAll(store.read(ctx, digest)),
        () => store.update(ctx, { digest, labels: {} }),
        () => store.delete(ctx, digest),
      ];
      for (const call of calls) expect(await failure(call())).toMatch(/^invalid_argument: /);
    });

    test("the words for a malformed digest", async () => {
      expect(await failure(store.info(ctx, "abc"))).toBe('invalid_argument: "abc" failed validation');
      expect(await failure(store.update(ctx, { digest: "abc", labels: {} }))).toBe(
        'invalid_argument: "abc" failed validation',
      );
      expect(await failure(readAll(store.read(ctx, "abc")))).toBe(
        "invalid_argument: abc: invalid checksum digest format",
      );
      expect(await failure(store.delete(ctx, "abc"))).toBe("invalid_argument: invalid checksum digest format");
    });

    test("without a namespace nothing goes", async () => {
      const refused = "failed_precondition: namespace is required: failed precondition";
      expect(await failure(store.info({}, NONE))).toBe(refused);
      expect(await failure(readAll(store.read({}, NONE)))).toBe(refused);
      expect(await failure(store.delete({}, NONE))).toBe(refused);
      expect(await failure(store.openWriter({}, { ref: "r" }))).toBe(refused);
      expect(await failure(store.listStatuses({}))).toBe(refused);
      expect(await failure(store.abort({}, "r"))).toBe(refused);
    });

    test("delete removes it once, from this namespace only", async () => {
      const bytes = Buffer.from("twice");
      const other = freshContext();
      const digest = await put(bytes);
      await commitBytes(store, other, bytes);
      await store.delete(ctx, digest);
      expect(await failure(store.delete(ctx, digest))).toBe(`not_found: content digest ${digest}: not found`);
      expect(await list()).toEqual([]);
      expect((await readAll(store.read(other, digest))).toString()).toBe("twice");
    });

    test("update replaces labels, or those that are named", async () => {
      const digest = await put(Buffer.from("labelled"), { a: "1", "x.y/z": "2" });
      const before = await store.info(ctx, digest);
      const update = async (labels: Record<string, string>, ...paths: string[]) =>
        (await store.update(ctx, { digest, labels }, paths)).labels;
      expect(await update({ a: "9", "x.y/z": "3", b: "b" }, "labels.x.y/z")).toEqual({ ...ROOT, a: "1", "x.y/z": "3" });
      expect(await update({ a: "" }, "labels.a", "labels.x.y/z")).toEqual(ROOT);
      expect(await update({ ...ROOT, c: "c", none: "" }, "labels")).toEqual({ ...ROOT, c: "c" });
      expect(await update({ ...ROOT, d: "d" })).toEqual({ ...ROOT, d: "d" });
      const after = await store.info(ctx, digest);
      expect(after).toEqual({ ...before, labels: { ...ROOT, d: "d" }, updatedAtNs: after.updatedAtNs });
      expect(after.updatedAtNs).toBeGreaterThan(before.updatedAtNs);
    });

    test("nothing but labels can be updated, and they have a size", async () => {
      const digest = await put(Buffer.from("fixed"));
      expect(await failure(store.update(ctx, { digest, labels: { a: "1" } }, ["labels.a", "size"]))).toBe(
        `invalid_argument: cannot update "size" field on content info "${digest}": invalid argument`,
      );
      expect(await failure(store.update(ctx, { digest, labels: { k: "v".repeat(4096) } }))).toBe(
        `invalid_argument: info.Labels: ${labelTooLarge(dialect)}`,
      );
      expect((await store.info(ctx, digest)).labels).toEqual(ROOT);
    });

    test("list goes by digest, in pages", async () => {
      const digests = [];
      for (let i = 0; i < 103; i += 1) digests.push(await put(Buffer.from(`blob ${i}`)));
      expect(await list()).toEqual(digests.sort());
    });

    test("filters", async () => {
      const a = await put(Buffer.from("a"), { x: "1", "my/key": "k" });
      const b = await put(Buffer.from("b"), { x: "2" });
      const both = [a, b].sort();
      expect(await list(`digest==${a}`)).toEqual([a]);
      expect(await list("labels.x==2")).toEqual([b]);
      expect(await list('labels."my/key"')).toEqual([a]);
      expect(await list("labels.x==1", "labels.x==2")).toEqual(both);
      expect(await list("labels.x~=[0-9],labels.x!=1")).toEqual([b]);
      expect(await list("size==1")).toEqual([]);
      expect(await list("size!=1")).toEqual(both);
      expect(await failure(list("size>0"))).toMatch(/^invalid_argument: filters: parse error: .*: invalid argument$/);
      expect(await failure(list("size>0"))).not.toMatch(/invalid argument: invalid argument$/);
    });
  });
}
