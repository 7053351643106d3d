// What every content store does with ingests: one writer at a time, resumed later, checked at commit, taken over from others.
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ContentStore } from "../../api/core/content.js";
import type { RequestContext } from "../../api/core/context.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { waitForWriter, writeBlob } from "../../api/core/write-blob.js";
import {
  commitBytes,
  digestOf,
  freshContext,
  leaveIngest,
  type MakeContentWorld,
  ROOT,
  readAll,
} from "./content-world.js";
import { type Dialect, labelTooLarge } from "./dialect.js";
import { failure } from "./failure.js";

const HOSTILE_REFS = [
  "..",
  "../../../../tmp/x",
  "/etc/passwd",
  "a\0b",
  "a b\n\t",
  "ünï/côdé 🎈",
  "x".repeat(5000),
  "__proto__",
  "%2e%2e",
];

export function contentIngestConformance(makeWorld: MakeContentWorld, dialect: Dialect): void {
  describe("ingests", () => {
    let scope: DisposeScope;
    let store: ContentStore;
    let ctx: RequestContext;

    beforeEach(async () => {
      scope = new DisposeScope();
      store = (await makeWorld(scope)).content;
      ctx = freshContext();
    });
    afterEach(() => scope[Symbol.asyncDispose]());

    const hello = Buffer.from("hello");
    const refs = async (...filters: string[]) => (await store.listStatuses(ctx, filters)).map(({ ref }) => ref).sort();

    test("an ingest is resumed where it ended", async () => {
      const bytes = randomBytes(2_500_000);
      await leaveIngest(store, ctx, { ref: "r", totalBytes: bytes.length }, bytes.subarray(0, 1_700_000));
      const status = await store.status(ctx, "r");
      expect(status).toMatchObject({ ref: "r", offsetBytes: 1_700_000, totalBytes: bytes.length });
      expect(status.startedAtNs).toBeGreaterThan(1_600_000_000_000_000_000n);
      await using writer = await store.openWriter(ctx, { ref: "r", totalBytes: bytes.length });
      expect(writer.offsetBytes).toBe(1_700_000);
      expect(writer.digest()).toBe(digestOf(bytes.subarray(0, 1_700_000)));
      await writer.write(bytes.subarray(1_700_000));
      expect(writer.offsetBytes).toBe(bytes.length);
      const digest = await writer.commit({ sizeBytes: bytes.length, expected: digestOf(bytes), labels: ROOT });
      expect((await readAll(store.read(ctx, digest))).equals(bytes)).toBe(true);
      expect(await store.listStatuses(ctx)).toEqual([]);
    });

    test("another total begins it again", async () => {
      await leaveIngest(store, ctx, { ref: "r", totalBytes: 9 }, hello);
      await using writer = await store.openWriter(ctx, { ref: "r", totalBytes: 7 });
      expect(writer.offsetBytes).toBe(0);
      await writer.write(Buffer.from("another"));
      expect(await writer.commit({ sizeBytes: 7, labels: ROOT })).toBe(digestOf(Buffer.from("another")));
    });

    test("reset begins it again", async () => {
      await using writer = await store.openWriter(ctx, { ref: "r" });
      await writer.write(hello);
      await writer.reset();
      expect(writer.offsetBytes).toBe(0);
      await writer.write(Buffer.from("abc"));
      expect(await writer.commit({ labels: ROOT })).toBe(digestOf(Buffer.from("abc")));
    });

    test("one writer at a time", async () => {
      const writer = await store.openWriter(ctx, { ref: "r" });
      expect(await failure(store.openWriter(ctx, { ref: "r" }))).toMatch(
        /^unavailable: ref \S+\/\d+\/r locked for \S+ \(since [^)]+\): unavailable$/,
      );
      await using _other = await store.openWriter(ctx, { ref: "r2" });
      await using _theirs = await store.openWriter(freshContext(), { ref: "r" });
      const waiting = waitForWriter(store, ctx, { ref: "r" });
      await writer.write(hello);
      await writer[Symbol.asyncDispose]();
      await using next = await waiting;
      expect(next.offsetBytes).toBe(5);
    });

    test("waiting for a ref ends with the caller's patience", async () => {
      await using _writer = await store.openWriter(ctx, { ref: "r" });
      const signal = AbortSignal.timeout(50);
      const refused = await failure(waitForWriter(store, { ...ctx, signal }, { ref: "r" }));
      expect(refused).toMatch(/^(unavailable|deadline_exceeded): /);
    });

    test("a wrong size or digest leaves the ingest", async () => {
      await leaveIngest(store, ctx, { ref: "r" }, hello);
      const commit = async (options: { sizeBytes?: number; expected?: string }) => {
        await using writer = await store.openWriter(ctx, { ref: "r" });
        return await writer.commit({ ...options, labels: ROOT });
      };
      const wrong = digestOf(Buffer.from("other"));
      expect(await failure(commit({ sizeBytes: 4 }))).toBe(
        'failed_precondition: "r" failed size validation: 5 != 4: failed precondition',
      );
      expect(await failure(commit({ expected: wrong }))).toBe(
        `failed_precondition: unexpected commit digest ${digestOf(hello)}, expected ${wrong}: failed precondition`,
      );
      expect(await failure(commit({ expected: "nonsense" }))).toMatch(/^failed_precondition: unexpected commit digest/);
      expect(await refs()).toEqual(["r"]);
      expect(await commit({ sizeBytes: 5, expected: digestOf(hello) })).toBe(digestOf(hello));
    });

    test("what the writer was opened with counts at commit", async () => {
      const writer = await store.openWriter(ctx, { ref: "r", totalBytes: 6, expected: digestOf(hello) });
      await writer.write(hello);
      expect(await failure(writer.commit())).toMatch(/failed size validation: 5 != 6/);
      await writer[Symbol.asyncDispose]();
      await using again = await store.openWriter(ctx, { ref: "r", expected: digestOf(Buffer.from("other")) });
      expect(await failure(again.commit())).toMatch(/unexpected commit digest/);
    });

    test("a label that is too large leaves the ingest", async () => {
      const tooLarge = commitBytes(store, ctx, hello, { ref: "r", labels: { k: "v".repeat(4096) } });
      expect(await failure(tooLarge)).toBe(`invalid_argument: info.Labels: ${labelTooLarge(dialect)}`);
      expect(await refs()).toEqual(["r"]);
    });

    test("a blob that is here already needs no writer", async () => {
      const digest = await commitBytes(store, ctx, hello);
      const refused = `already_exists: content ${digest}: already exists`;
      expect(await failure(store.openWriter(ctx, { ref: "r", expected: digest }))).toBe(refused);
      const again = commitBytes(store, ctx, hello, { ref: "r2", labels: { other: "label" } });
      expect(await failure(again)).toBe(refused);
      expect(await refs()).toEqual([]);
      expect((await store.info(ctx, digest)).labels).toEqual(ROOT);
    });

    test("the slower of two uploads ends with already exists", async () => {
      const expected = digestOf(hello);
      await using slow = await store.openWriter(ctx, { ref: "slow", expected });
      await slow.write(hello);
      await commitBytes(store, ctx, hello, { ref: "fast" });
      expect(await failure(slow.commit({ expected }))).toMatch(/^already_exists: /);
      await slow[Symbol.asyncDispose]();
      expect(await refs()).toEqual([]);
    });

    test("abort drops it once", async () => {
      await leaveIngest(store, ctx, { ref: "r" }, hello);
      await store.abort(ctx, "r");
      expect(await failure(store.abort(ctx, "r"))).toBe("not_found: reference r: not found");
      expect(await failure(store.status(ctx, "r"))).toBe(
        'not_found: could not get status for ref "r": reference r: not found',
      );
      await using writer = await store.openWriter(ctx, { ref: "r" });
      expect(writer.offsetBytes).toBe(0);
    });

    test("statuses can be filtered by ref", async () => {
      for (const ref of ["a", "b", "layer-x"]) await leaveIngest(store, ctx, { ref }, hello);
      expect(await refs()).toEqual(["a", "b", "layer-x"]);
      expect(await refs("ref==a", "ref~=^layer")).toEqual(["a", "layer-x"]);
      expect(await refs("")).toEqual(["a", "b", "layer-x"]);
      expect(await failure(refs("ref=="))).toBe(
        "invalid_argument: filters: parse error: [ref==]: expected value or quoted: invalid argument",
      );
    });

    test.each(HOSTILE_REFS.map((ref) => [ref]))("any text is a ref: %j", async (ref) => {
      await leaveIngest(store, ctx, { ref }, hello);
      expect(await refs()).toEqual([ref]);
      expect((await store.status(ctx, ref)).offsetBytes).toBe(5);
      await store.abort(ctx, ref);
      expect(await commitBytes(store, ctx, hello, { ref })).toBe(digestOf(hello));
    });

    test("without a ref there is no writer", async () => {
      expect(await failure(store.openWriter(ctx, { ref: "" }))).toMatch(/^invalid_argument: /);
    });

    test("writeBlob goes on where an earlier try ended, and is content with what is there", async () => {
      const bytes = randomBytes(100_000);
      const blob = { ref: "r", sizeBytes: bytes.length, expected: digestOf(bytes), labels: ROOT };
      await leaveIngest(store, ctx, { ref: "r", totalBytes: bytes.length }, bytes.subarray(0, 60_000));
      const offsets: number[] = [];
      const source = {
        ...blob,
        *bytes(offset: number) {
          offsets.push(offset);
          yield bytes.subarray(offset);
        },
      };
      expect(await writeBlob(store, ctx, source)).toBe(digestOf(bytes));
      expect(await writeBlob(store, ctx, source)).toBe(digestOf(bytes));
      expect(await writeBlob(store, ctx, { ref: "r2", bytes: () => [bytes] })).toBe(digestOf(bytes));
      expect(offsets).toEqual([60_000]);
    });

    describe("a blob of another namespace", () => {
      const other = freshContext();
      let bytes: Buffer;
      let digest: string;

      beforeEach(async () => {
        bytes = randomBytes(1000);
        digest = await commitBytes(store, other, bytes);
      });

      test("is taken over without its bytes", async () => {
        await using writer = await store.openWriter(ctx, { ref: "r", totalBytes: 1000, expected: digest });
        expect([writer.offsetBytes, writer.digest()]).toEqual([1000, digest]);
        expect(await refs()).toEqual([]);
        expect(await writer.commit({ sizeBytes: 1000, expected: digest, labels: ROOT })).toBe(digest);
        expect((await readAll(store.read(ctx, digest))).equals(bytes)).toBe(true);
      });

      test("is not, when its size is said to be another", async () => {
        await using writer = await store.openWriter(ctx, { ref: "r", totalBytes: 999, expected: digest });
        expect(writer.offsetBytes).toBe(0);
      });

      test("can be gone on from", async () => {
        await using writer = await store.openWriter(ctx, { ref: "r", expected: digest });
        await writer.write(hello);
        expect(writer.offsetBytes).toBe(1005);
        const longer = Buffer.concat([bytes, hello]);
        expect(await writer.commit({ expected: digestOf(longer), labels: ROOT })).toBe(digestOf(longer));
        expect((await readAll(store.read(ctx, digestOf(longer)))).equals(longer)).toBe(true);
      });

      test("can be begun again from nothing", async () => {
        await using writer = await store.openWriter(ctx, { ref: "r", expected: digest });
        await writer.reset();
        expect(writer.offsetBytes).toBe(0);
        expect(await failure(writer.commit({ sizeBytes: 1000 }))).toMatch(/"r" failed size validation: 0 != 1000/);
      });

      test("has one digest", async () => {
        await using writer = await store.openWriter(ctx, { ref: "r", expected: digest });
        expect(await failure(writer.commit({ expected: digestOf(hello) }))).toBe(
          'failed_precondition: "r" unexpected digest: failed precondition',
        );
      });
    });
  });
}
