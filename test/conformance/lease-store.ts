// What every lease store does, the one on SQLite and the one that speaks to a daemon. The texts are containerd's.
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RequestContext } from "../../api/core/context.js";
import { DisposeScope } from "../../api/core/dispose.js";
import type { LeaseResource, LeaseStore } from "../../api/core/lease.js";
import { failure } from "./failure.js";

/** Makes the store under test. What it opens it gives to the scope, which ends with the test. */
export type MakeLeaseStore = (scope: DisposeScope) => Promise<LeaseStore>;

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

/** Registers the suite; `name` says whose store it is. */
export function leaseStoreConformance(name: string, makeStore: MakeLeaseStore): void {
  describe(`lease store: ${name}`, () => {
    let scope: DisposeScope;
    let store: LeaseStore;
    let ctx: RequestContext;

    beforeEach(async () => {
      scope = new DisposeScope();
      store = await makeStore(scope);
      ctx = { namespace: `bt-${randomBytes(5).toString("hex")}` };
    });

    afterEach(() => scope[Symbol.asyncDispose]());

    const ids = async (...filters: string[]) => (await store.list(ctx, filters)).map(({ id }) => id);

    test("any id will do, labels are unchecked but need a value", async () => {
      const labels = { "containerd.io/gc.expire": "2030-01-01T00:00:00Z", big: "v".repeat(9000), none: "" };
      const created = await store.create(ctx, { id: "a b/c !", labels });
      const { none: _, ...kept } = labels;
      expect(created).toEqual({ id: "a b/c !", labels: kept, createdAtNs: expect.any(BigInt) });
      expect(created.createdAtNs).toBeGreaterThan(1_600_000_000_000_000_000n);
      expect(await store.list(ctx)).toEqual([created]);
    });

    test("without an id one is made up", async () => {
      const made = [await store.create(ctx, {}), await store.create(ctx, { id: "" })];
      for (const { id } of made) expect(id).toMatch(/^\d{1,9}-[A-Za-z0-9_-]{4}$/);
      expect(await ids()).toEqual(made.map(({ id }) => id).sort());
    });

    test("an id is taken once per namespace", async () => {
      await store.create(ctx, { id: "l" });
      expect(await failure(store.create(ctx, { id: "l" }))).toBe('already_exists: lease "l": already exists');
      await store.create({ namespace: `${ctx.namespace}-2` }, { id: "l" });
    });

    test("delete removes it once", async () => {
      await store.create(ctx, { id: "l", labels: { a: "1" } });
      await store.addResource(ctx, "l", { type: "content", id: DIGEST });
      await store.delete(ctx, "l");
      expect(await ids()).toEqual([]);
      expect(await failure(store.delete(ctx, "l", { sync: true }))).toBe('not_found: lease "l": not found');
      expect(await failure(store.delete(ctx, ""))).not.toBe("no error");
      await store.create(ctx, { id: "l" });
      expect(await store.listResources(ctx, "l")).toEqual([]);
    });

    test.each<[string[], string[]]>([
      [[], ["a", "b", "c"]],
      [["id==a"], ["a"]],
      [["id!=a"], ["b", "c"]],
      [["labels.x"], ["a", "b"]],
      [["labels.x==1"], ["a"]],
      [
        ["labels.x==1", "id==c"],
        ["a", "c"],
      ],
      [["labels.x~=[0-9],labels.y==z"], ["b"]],
      [["created_at"], []],
    ])("filters %j", async (filters, want) => {
      await store.create(ctx, { id: "c" });
      await store.create(ctx, { id: "a", labels: { x: "1" } });
      await store.create(ctx, { id: "b", labels: { x: "2", y: "z" } });
      expect(await ids(...filters)).toEqual(want);
    });

    test("a bad filter is refused, after the namespace", async () => {
      expect(await failure(store.list(ctx, ["id=="]))).toMatch(
        /^invalid_argument: filters: parse error: .*: invalid argument: invalid argument$/,
      );
      expect(await failure(store.list({}, ["id=="]))).toBe(
        "failed_precondition: namespace is required: failed precondition",
      );
    });

    describe("resources", () => {
      const resources: readonly LeaseResource[] = [
        { type: "snapshots/overlayfs", id: "key/2" },
        { type: "snapshots/native", id: "z" },
        { type: "ingests", id: "ref" },
        { type: "content", id: DIGEST },
        { type: "snapshots/overlayfs", id: "key/1" },
      ];

      beforeEach(() => store.create(ctx, { id: "l" }));

      test("come back in order, once each", async () => {
        for (const resource of [...resources, ...resources]) await store.addResource(ctx, "l", resource);
        expect(await store.listResources(ctx, "l")).toEqual([
          { type: "content", id: DIGEST },
          { type: "ingests", id: "ref" },
          { type: "snapshots/native", id: "z" },
          { type: "snapshots/overlayfs", id: "key/1" },
          { type: "snapshots/overlayfs", id: "key/2" },
        ]);
      });

      test("can be taken out, also when they are not there", async () => {
        await store.addResource(ctx, "l", { type: "ingests", id: "ref" });
        await store.deleteResource(ctx, "l", { type: "ingests", id: "other" });
        expect(await store.listResources(ctx, "l")).toHaveLength(1);
        await store.deleteResource(ctx, "l", { type: "ingests", id: "ref" });
        expect(await store.listResources(ctx, "l")).toEqual([]);
      });

      test.each<[string, string, string]>([
        [
          "content",
          "sha256:abc",
          "invalid_argument: invalid content resource id sha256:abc: invalid checksum digest length: invalid argument",
        ],
        [
          "content",
          "abc",
          "invalid_argument: invalid content resource id abc: invalid checksum digest format: invalid argument",
        ],
        [
          "content",
          "md5:abc",
          "invalid_argument: invalid content resource id md5:abc: unsupported digest algorithm: invalid argument",
        ],
        ["content/x", DIGEST, "invalid_argument: invalid resource type content/x: invalid argument"],
        ["ingests/x", "ref", "invalid_argument: invalid resource type ingests/x: invalid argument"],
        ["snapshots", "k", "invalid_argument: invalid snapshot resource type snapshots: invalid argument"],
        ["snapshots/a/b", "k", "invalid_argument: invalid snapshot resource type snapshots/a/b: invalid argument"],
        ["snapshot/native", "k", "not_implemented: resource type snapshot/native not supported yet: not implemented"],
        ["", "k", "not_implemented: resource type  not supported yet: not implemented"],
      ])("of type %j and id %j is refused", async (type, id, message) => {
        expect(await failure(store.addResource(ctx, "l", { type, id }))).toBe(message);
        expect(await failure(store.deleteResource(ctx, "l", { type, id }))).toBe(message);
      });

      test("an empty id or snapshotter is refused", async () => {
        expect(await failure(store.addResource(ctx, "l", { type: "ingests", id: "" }))).not.toBe("no error");
        expect(await failure(store.addResource(ctx, "l", { type: "snapshots/", id: "k" }))).not.toBe("no error");
      });

      test("a lease that is not there comes before a bad type", async () => {
        const missing = 'not_found: lease "nope": not found';
        expect(await failure(store.addResource(ctx, "nope", { type: "?", id: "x" }))).toBe(missing);
        expect(await failure(store.deleteResource(ctx, "nope", { type: "?", id: "x" }))).toBe(missing);
        expect(await failure(store.listResources(ctx, "nope"))).toBe(missing);
      });
    });
  });
}
