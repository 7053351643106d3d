// What every snapshot store does, whichever its snapshotter and wherever it is: records, kinds, refusals, lists. The texts are
// containerd's. What is in the folders is the business of snapshot-files.ts.
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RequestContext } from "../../api/core/context.js";
import { DisposeScope } from "../../api/core/dispose.js";
import type { LeaseStore } from "../../api/core/lease.js";
import type { SnapshotInfo, Snapshotters } from "../../api/core/snapshot.js";
import { type Dialect, labelTooLarge } from "./dialect.js";
import { failure } from "./failure.js";

export interface SnapshotParts {
  readonly snapshots: Snapshotters;
  readonly leases: LeaseStore;
}

/** Makes the stores under test. What it opens it gives to the scope, which ends with the test. */
export type MakeSnapshotters = (scope: DisposeScope) => Promise<SnapshotParts>;

export const SNAPSHOTTERS = ["overlayfs", "native"] as const;
export type SnapshotterName = (typeof SNAPSHOTTERS)[number];

/** A namespace, by default one of its own, and a lease in it that keeps the collector of a daemon away from what the test makes. */
export async function heldContext(
  leases: LeaseStore,
  namespace = `bt-${randomBytes(5).toString("hex")}`,
): Promise<RequestContext> {
  const { id } = await leases.create({ namespace }, { id: "held" });
  return { namespace, leaseId: id };
}

async function collect(pages: AsyncIterable<readonly SnapshotInfo[]>): Promise<SnapshotInfo[]> {
  const all: SnapshotInfo[] = [];
  for await (const page of pages) {
    expect(page.length).toBeLessThanOrEqual(100);
    all.push(...page);
  }
  return all;
}

/** Registers the suite; `name` says whose stores they are. */
export function snapshotStoreConformance(
  name: string,
  snapshotter: SnapshotterName,
  make: MakeSnapshotters,
  dialect: Dialect,
): void {
  describe(`snapshot store: ${name}, ${snapshotter}`, () => {
    let scope: DisposeScope;
    let parts: SnapshotParts;
    let ctx: RequestContext;
    const store = () => parts.snapshots.get(snapshotter);
    const names = async (...filters: string[]) => (await collect(store().list(ctx, filters))).map((info) => info.name);
    const held = async () => (await parts.leases.listResources(ctx, "held")).map(({ type, id }) => `${type} ${id}`);

    beforeEach(async () => {
      scope = new DisposeScope();
      parts = await make(scope);
      ctx = await heldContext(parts.leases);
    });

    afterEach(() => scope[Symbol.asyncDispose]());

    /** A committed snapshot. */
    async function commitOne(committed: string, parent = ""): Promise<void> {
      await store().prepare(ctx, `${committed}-key`, { parent });
      await store().commit(ctx, committed, `${committed}-key`);
    }

    test("an active snapshot is made, committed, built upon and removed", async () => {
      const labels = { a: "1", none: "", "containerd.io/snapshot/x": "y" };
      const mounts = await store().prepare(ctx, "key", { labels });
      expect(mounts).toHaveLength(1);
      expect(await store().mounts(ctx, "key")).toEqual(mounts);
      const info = await store().stat(ctx, "key");
      const { none: _, ...stored } = labels;
      expect(info).toEqual({
        name: "key",
        parent: "",
        kind: "active",
        labels: stored,
        createdAtNs: info.createdAtNs,
        updatedAtNs: info.createdAtNs,
      });
      expect(info.createdAtNs).toBeGreaterThan(1_600_000_000_000_000_000n);

      await store().commit(ctx, "base", "key", { labels: { b: "2" } });
      const base = await store().stat(ctx, "base");
      expect(base).toMatchObject({ name: "base", parent: "", kind: "committed", labels: { b: "2" } });
      expect(base.createdAtNs).toBeGreaterThan(info.createdAtNs);
      expect(base.updatedAtNs).toBe(base.createdAtNs);
      expect(await failure(store().stat(ctx, "key"))).toBe("not_found: snapshot key does not exist: not found");

      await store().prepare(ctx, "key", { parent: "base" });
      await store().view(ctx, "look", { parent: "base" });
      expect(await store().stat(ctx, "key")).toMatchObject({ parent: "base", kind: "active" });
      expect(await store().stat(ctx, "look")).toMatchObject({ parent: "base", kind: "view" });
      expect(await failure(store().remove(ctx, "base"))).toBe(
        "failed_precondition: cannot remove snapshot with child: failed precondition",
      );
      await store().remove(ctx, "key");
      await store().remove(ctx, "look");
      await store().remove(ctx, "base");
      expect(await names()).toEqual([]);
    });

    test("keys and names share one space, in each namespace for itself", async () => {
      await commitOne("base");
      await store().prepare(ctx, "key", {});
      await store().view(ctx, "look", {});
      for (const taken of ["base", "key", "look"]) {
        const refusal = `already_exists: snapshot "${taken}": already exists`;
        expect(await failure(store().prepare(ctx, taken, {}))).toBe(refusal);
        expect(await failure(store().view(ctx, taken, { parent: "base" }))).toBe(refusal);
        expect(await failure(store().commit(ctx, taken, "key"))).toBe(refusal);
      }
      const other = { namespace: `${ctx.namespace}-2` };
      expect(await failure(store().prepare(other, "key", { parent: "base" }))).toBe(
        "not_found: parent snapshot base does not exist: not found",
      );
    });

    test("only a committed snapshot is a parent", async () => {
      await store().prepare(ctx, "key", {});
      await store().view(ctx, "look", {});
      expect(await failure(store().prepare(ctx, "x", { parent: "key" }))).toBe(
        `invalid_argument: failed to create snapshot: parent "${ctx.namespace}/1/key" is not committed snapshot: invalid argument`,
      );
      expect(await failure(store().view(ctx, "x", { parent: "look" }))).toBe(
        `invalid_argument: failed to create snapshot: parent "${ctx.namespace}/2/look" is not committed snapshot: invalid argument`,
      );
      expect(await failure(store().prepare(ctx, "x", { parent: "none" }))).toBe(
        "not_found: parent snapshot none does not exist: not found",
      );
      expect(await names()).toEqual(["key", "look"]);
    });

    test("only an active snapshot is committed, and under a name", async () => {
      expect(await failure(store().commit(ctx, "base", "none"))).toBe(
        `not_found: can not find snapshotter "${snapshotter}": not found`,
      );
      await commitOne("base");
      await store().view(ctx, "look", {});
      expect(await failure(store().commit(ctx, "x", "none"))).toBe(
        "not_found: snapshot none does not exist: not found",
      );
      expect(await failure(store().commit(ctx, "x", "look"))).toBe(
        `failed_precondition: failed to commit snapshot: snapshot "${ctx.namespace}/3/look" is not active: failed precondition`,
      );
      expect(await failure(store().commit(ctx, "x", "base"))).toBe(
        `failed_precondition: failed to commit snapshot: snapshot "${ctx.namespace}/2/base" is not active: failed precondition`,
      );
      expect(await failure(store().commit(ctx, "", "look"))).toBe("unknown: bucket name required");
      expect(await names()).toEqual(["base", "look"]);
    });

    test("a committed snapshot is not mounted", async () => {
      await commitOne("base");
      const what = snapshotter === "native" ? "snapshot mount" : "active mount";
      expect(await failure(store().mounts(ctx, "base"))).toBe(
        `failed_precondition: failed to get ${what}: requested snapshot ${ctx.namespace}/2/base not active or view: failed precondition`,
      );
    });

    test("what is not there", async () => {
      const missing = "not_found: snapshot none does not exist: not found";
      expect(await failure(store().stat(ctx, "none"))).toBe(missing);
      expect(await failure(store().usage(ctx, "none"))).toBe(missing);
      expect(await failure(store().mounts(ctx, "none"))).toBe(missing);
      expect(await failure(store().remove(ctx, "none"))).toBe(missing);
      expect(await failure(store().update(ctx, { name: "none", labels: {} }))).toBe(missing);
      expect(await failure(store().prepare(ctx, "", {}))).toBe("unknown: key required");
      expect(await failure(store().view({ namespace: ctx.namespace }, "", {}))).toBe("unknown: bucket name required");
      expect(await names()).toEqual([]);
      const nowhere = await failure((async () => parts.snapshots.get("nope").stat(ctx, "none"))());
      expect(nowhere).toBe("invalid_argument: snapshotter not loaded: nope: invalid argument");
    });

    test("labels change, and only they", async () => {
      await commitOne("base");
      const before = await store().stat(ctx, "base");
      const set = async (labels: Record<string, string>, ...paths: string[]) =>
        (await store().update(ctx, { name: "base", labels }, paths)).labels;
      expect(await set({ a: "1", b: "2", none: "" })).toEqual({ a: "1", b: "2" });
      expect(await set({ a: "3", c: "4" }, "labels.a", "labels.d")).toEqual({ a: "3", b: "2" });
      expect(await set({ "x.y/z": "5" }, "labels.x.y/z", "labels.b")).toEqual({ a: "3", "x.y/z": "5" });
      expect(await set({ only: "this" }, "labels")).toEqual({ only: "this" });
      const after = await store().stat(ctx, "base");
      expect(after).toEqual({ ...before, labels: { only: "this" }, updatedAtNs: after.updatedAtNs });
      expect(after.updatedAtNs).toBeGreaterThan(before.updatedAtNs);
      expect(await failure(set({}, "labels.a", "parent"))).toBe(
        'invalid_argument: cannot update "parent" field on snapshot "base": invalid argument',
      );
      expect(await failure(set({ k: "v".repeat(4096) }))).toBe(
        `invalid_argument: info.Labels: ${labelTooLarge(dialect)}`,
      );
      expect(await failure(store().update(ctx, { name: "", labels: {} }))).toBe("invalid_argument: invalid argument");
      expect(await store().stat(ctx, "base")).toEqual(after);
    });

    test("labels are checked when a snapshot is made", async () => {
      const labels = { k: "v".repeat(4096) };
      const refusal = `invalid_argument: info.Labels: ${labelTooLarge(dialect)}`;
      expect(await failure(store().prepare(ctx, "x", { labels }))).toBe(refusal);
      await store().prepare(ctx, "key", {});
      expect(await failure(store().commit(ctx, "x", "key", { labels }))).toBe(refusal);
      expect(await names()).toEqual(["key"]);
    });

    test("a snapshot that stands for another is not made when that is there", async () => {
      await commitOne("target");
      const labels = { "containerd.io/snapshot.ref": "target" };
      expect(await failure(store().prepare(ctx, "x", { labels }))).toBe(
        'already_exists: target snapshot "target": already exists',
      );
      await store().prepare(ctx, "x", { labels: { "containerd.io/snapshot.ref": "other" } });
      expect(await names()).toEqual(["target", "x"]);
    });

    describe("lists", () => {
      beforeEach(async () => {
        await commitOne("base");
        await store().prepare(ctx, "a", { parent: "base", labels: { x: "1" } });
        await store().view(ctx, "v", { parent: "base", labels: { x: "2", "y.z": "3" } });
      });

      test.each<[string[], string[]]>([
        [[], ["a", "base", "v"]],
        [["name==a"], ["a"]],
        [["name!=a"], ["base", "v"]],
        [["kind==active"], ["a"]],
        [["kind==view"], ["v"]],
        [["kind==committed"], ["base"]],
        [["kind==Committed"], []],
        [["parent==base"], ["a", "v"]],
        [['parent==""'], ["base"]],
        [["parent"], ["a", "base", "v"]],
        [["labels.x"], ["a", "v"]],
        [["labels.x==2,kind==view"], ["v"]],
        [["labels.y.z==3"], ["v"]],
        [['labels."y.z"==3'], ["v"]],
        [
          ["name==a", "kind==committed"],
          ["a", "base"],
        ],
        [["created_at"], []],
      ])("filtered by %j", async (filters, want) => {
        expect(await names(...filters)).toEqual(want);
      });

      test("a bad filter is refused, without a class", async () => {
        expect(await failure(names("name=="))).toMatch(/^unknown: filters: parse error: .*: invalid argument$/);
      });
    });

    test("a long list comes in pages, by name", async () => {
      const labels = { "containerd.io/gc.root": "now" };
      for (let index = 0; index < 205; index++) await store().view(ctx, `v${index}`, { labels });
      const all = await names();
      expect(all).toHaveLength(205);
      expect(all).toEqual([...all].sort());
    }, 60_000);

    test("a namespace with snapshots of others is empty", async () => {
      await commitOne("base");
      expect(await collect(store().list({ namespace: "bt-none" }))).toEqual([]);
      expect(await failure(collect(store().list({})))).toBe("unknown: namespace is required: failed precondition");
    });

    describe("the lease of the request", () => {
      test("holds what is made, follows a commit and lets go", async () => {
        await store().prepare(ctx, "key", {});
        await store().view(ctx, "look", {});
        expect(await held()).toEqual([`snapshots/${snapshotter} key`, `snapshots/${snapshotter} look`]);
        await store().commit(ctx, "base", "key");
        expect(await held()).toEqual([`snapshots/${snapshotter} base`, `snapshots/${snapshotter} look`]);
        await store().remove(ctx, "look");
        expect(await held()).toEqual([`snapshots/${snapshotter} base`]);
      });

      test("must be there for what it would hold", async () => {
        const gone = { ...ctx, leaseId: "gone" };
        await store().prepare(ctx, "key", {});
        const refusal = "not_found: lease does not exist: not found";
        expect(await failure(store().prepare(gone, "x", {}))).toBe(refusal);
        expect(await failure(store().view(gone, "x", {}))).toBe(refusal);
        expect(await failure(store().commit(gone, "base", "key"))).toBe(refusal);
        expect(await names()).toEqual(["key"]);
        await store().remove(gone, "key");
        expect(await names()).toEqual([]);
      });
    });

    test("of several at once that want a name one gets it", async () => {
      const results = await Promise.all(Array.from({ length: 8 }, () => failure(store().prepare(ctx, "key", {}))));
      expect(results.sort()).toEqual([
        ...Array.from({ length: 7 }, () => 'already_exists: snapshot "key": already exists'),
        "no error",
      ]);
      expect(await names()).toEqual(["key"]);
    });
  });
}
