// What every container store does, the one on SQLite and the one that speaks to a daemon. The texts are containerd's.
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Container, ContainerStore, NewContainer } from "../../api/core/container.js";
import type { RequestContext } from "../../api/core/context.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { bareContainer, EXTENSION, fullContainer, minimal, SPEC } from "./container-records.js";
import { containerUpdates } from "./container-updates.js";
import { type Dialect, labelTooLarge } from "./dialect.js";
import { failure } from "./failure.js";

/** Makes the store under test. What it opens it gives to the scope, which ends with the test. */
export type MakeContainerStore = (scope: DisposeScope) => Promise<ContainerStore>;

const idsOf = (containers: readonly Container[]): string[] => containers.map(({ id }) => id);

/** Registers the suite; `name` says whose store it is. */
export function containerStoreConformance(name: string, makeStore: MakeContainerStore, dialect: Dialect = "2.x"): void {
  const full = (id: string): NewContainer => fullContainer(id, dialect);

  describe(`container store: ${name}`, () => {
    let scope: DisposeScope;
    let store: ContainerStore;
    let ctx: RequestContext;

    beforeEach(async () => {
      scope = new DisposeScope();
      store = await makeStore(scope);
      ctx = { namespace: `bt-${randomBytes(5).toString("hex")}` };
    });

    afterEach(() => scope[Symbol.asyncDispose]());

    describe("create and get", () => {
      test("every field comes back, byte for byte", async () => {
        const created = await store.create(ctx, full("c1"));
        expect(bareContainer(created)).toEqual({
          ...full("c1"),
          createdAtNs: expect.any(BigInt),
          updatedAtNs: created.createdAtNs,
        });
        expect(bareContainer(await store.get(ctx, "c1"))).toEqual(bareContainer(created));
        expect(created.createdAtNs).toBeGreaterThan(1_600_000_000_000_000_000n);
      });

      test("what is left out is empty", async () => {
        await store.create(ctx, minimal("c1"));
        expect(await store.get(ctx, "c1")).toMatchObject({
          labels: {},
          image: "",
          snapshotter: "",
          snapshotKey: "",
          extensions: {},
          sandbox: "",
        });
      });

      test("a label without a value does not exist", async () => {
        const created = await store.create(ctx, minimal("c1", { labels: { a: "1", b: "" } }));
        expect(created.labels).toEqual({ a: "1" });
        expect((await store.get(ctx, "c1")).labels).toEqual({ a: "1" });
      });

      test("keys that are special to JavaScript are keys like others", async () => {
        const labels = Object.fromEntries([
          ["__proto__", "p"],
          ["constructor", "c"],
          ["toString", "t"],
        ]);
        const extensions = Object.fromEntries([["__proto__", EXTENSION]]);
        await store.create(ctx, minimal("c1", { labels, extensions }));
        await store.update(ctx, { id: "c1", labels: Object.fromEntries([["__proto__", "q"]]) }, ["labels.__proto__"]);
        const { labels: stored, extensions: kept } = await store.get(ctx, "c1");
        expect(new Map(Object.entries(stored))).toEqual(new Map(Object.entries(labels)).set("__proto__", "q"));
        expect(Object.keys(kept)).toEqual(["__proto__"]);
        expect(idsOf(await store.list(ctx, ["labels.__proto__==q"]))).toEqual(["c1"]);
      });

      test("an id is taken once per namespace", async () => {
        await store.create(ctx, minimal("c1"));
        expect(await failure(store.create(ctx, minimal("c1")))).toBe('already_exists: container "c1": already exists');
        const other = { namespace: `${ctx.namespace}-other` };
        await store.create(other, minimal("c1"));
        expect(idsOf(await store.list(other))).toEqual(["c1"]);
      });

      test("what is not there is not found", async () => {
        const message = (id: string) => `not_found: container "${id}" in namespace "${ctx.namespace}": not found`;
        expect(await failure(store.get(ctx, "nope"))).toBe(message("nope"));
        expect(await failure(store.get(ctx, ""))).toBe(message(""));
      });

      const invalid = "invalid_argument: create container failed validation: ";
      test.each<[string, NewContainer, string]>([
        ["no id", minimal(""), "container.ID: identifier must not be empty: invalid argument"],
        [
          "a bad id",
          minimal("a/b"),
          'container.ID: identifier "a/b" must match ^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$: invalid argument',
        ],
        [
          "a long id",
          minimal("a".repeat(77)),
          `container.ID: identifier "${"a".repeat(77)}" greater than maximum length (76 characters): invalid argument`,
        ],
        [
          "an extension without a key",
          minimal("c1", { extensions: { "": EXTENSION }, runtime: { name: "" } }),
          "container.Extension keys must not be zero-length: invalid argument",
        ],
        [
          "a label too large",
          minimal("c1", { labels: { k: "v".repeat(4096) }, runtime: { name: "" } }),
          `containers.Labels: ${labelTooLarge(dialect)}`,
        ],
        ["no runtime", { id: "c1", spec: SPEC }, "container.Runtime.Name must be set: invalid argument"],
        ["no spec", { id: "c1", runtime: { name: "r" } }, "container.Spec must be set: invalid argument"],
        [
          "a snapshot of no snapshotter",
          minimal("c1", { snapshotKey: "k" }),
          "container.Snapshotter must be set if container.SnapshotKey is set: invalid argument",
        ],
      ])("refused: %s", async (_name, container, message) => {
        expect(await failure(store.create(ctx, container))).toBe(invalid + message);
        expect(await store.list(ctx)).toEqual([]);
      });

      test("a label of 4096 bytes is not too large", async () => {
        await store.create(ctx, minimal("c1", { labels: { ké: "v".repeat(4093) } }));
        expect(Object.keys((await store.get(ctx, "c1")).labels)).toEqual(["ké"]);
      });
    });

    test("a namespace is needed, and a good one", async () => {
      const required = "failed_precondition: namespace is required: failed precondition";
      expect(await failure(store.get({}, "c1"))).toBe(required);
      expect(await failure(store.list({}, ["=="]))).toBe(required);
      expect(await failure(store.create({}, minimal("c1")))).toBe(required);
      expect(await failure(store.delete({}, "c1"))).toBe(required);
      expect(await failure(store.update({}, minimal("c1")))).toBe(required);
      expect(await failure(store.get({ namespace: "a b" }, "c1"))).toBe(
        'invalid_argument: namespace validation: identifier "a b" must match ^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$: invalid argument',
      );
    });

    containerUpdates(() => ({ store, ctx }), full);

    describe("delete", () => {
      test("removes the record and its labels", async () => {
        await store.create(ctx, full("c1"));
        await store.delete(ctx, "c1");
        expect(await store.list(ctx)).toEqual([]);
        await store.create(ctx, minimal("c1"));
        expect((await store.get(ctx, "c1")).labels).toEqual({});
        expect(await store.list(ctx, ['labels."containerd.io/x"'])).toEqual([]);
      });

      test("words what is missing as containerd does", async () => {
        const where = `in namespace "${ctx.namespace}": not found`;
        expect(await failure(store.delete(ctx, "c1"))).toBe(`not_found: cannot delete container "c1" ${where}`);
        expect(await failure(store.update(ctx, minimal("c1")))).toBe(
          `not_found: cannot update container "c1" ${where}`,
        );
        await store.create(ctx, minimal("c1"));
        await store.delete(ctx, "c1");
        expect(await failure(store.delete(ctx, "c1"))).toBe("not_found: container c1: not found");
        expect(await failure(store.update(ctx, minimal("c1")))).toBe('not_found: container "c1": not found');
      });
    });

    describe("list", () => {
      test("is ordered by the bytes of the id, and stream is the same", async () => {
        const ids = ["b", "ab", "a_b", "a.b", "Z", "B", "9", "10"];
        for (const id of ids) await store.create(ctx, minimal(id));
        const sorted = ["10", "9", "B", "Z", "a.b", "a_b", "ab", "b"];
        expect(idsOf(await store.list(ctx))).toEqual(sorted);
        const streamed: string[] = [];
        for await (const { id } of store.stream(ctx)) streamed.push(id);
        expect(streamed).toEqual(sorted);
      });

      test("goes over more than one page", async () => {
        const ids = Array.from({ length: 250 }, (_, n) => `c${String(n).padStart(3, "0")}`);
        await Promise.all(
          ids.map((id, n) => store.create(ctx, minimal(id, { labels: { even: String(n % 2 === 0) } }))),
        );
        expect(idsOf(await store.list(ctx))).toEqual(ids);
        const even = ids.filter((_, n) => n % 2 === 0);
        expect(idsOf(await store.list(ctx, ["labels.even==true"]))).toEqual(even);
        expect(idsOf(await store.list(ctx, ["labels.even~=^t"]))).toEqual(even);
      });

      test("large records come one page after another", async () => {
        const spec = { typeUrl: "example/Spec", value: Buffer.alloc(700_000, 1) };
        for (const id of ["a", "b", "c"]) await store.create(ctx, minimal(id, { spec, labels: { big: "1" } }));
        for (const filters of [[], ["labels.big"], ["labels.big~=1"]]) {
          const streamed: string[] = [];
          for await (const container of store.stream(ctx, filters)) {
            streamed.push(container.id);
            expect(container.spec.value.length).toBe(700_000);
          }
          expect(streamed).toEqual(["a", "b", "c"]);
        }
      });

      test("an unknown namespace is empty", async () => {
        expect(await store.list(ctx)).toEqual([]);
      });

      test.each<[string[], string[]]>([
        [["id==web"], ["web"]],
        [["id == web"], ["web"]],
        [["id.ignored==web"], ["web"]],
        [["id"], ["db", "plain", "web"]],
        [["id!=web"], ["db", "plain"]],
        [["id~=^.{2}$"], ["db"]],
        [["image"], ["db", "web"]],
        [["image==nginx"], ["web"]],
        [["image!=nginx"], ["db", "plain"]],
        [['image==""'], []],
        [["runtime.name==io.containerd.runc.v2"], ["db", "plain", "web"]],
        [["runtime"], []],
        [["labels"], []],
        [["labels.tier"], ["db", "web"]],
        [["labels.tier==back"], ["db"]],
        [["labels.tier!=back"], ["plain", "web"]],
        [["labels.a.b==1"], ["web"]],
        [['labels."a.b"==1'], ["web"]],
        [["labels.nope~=^$"], ["db", "plain", "web"]],
        [["labels.tier==back,image==nginx"], []],
        [["labels.tier==front,image==nginx"], ["web"]],
        [["labels.tier==front,image~=gin"], ["web"]],
        [
          ["labels.tier==back", "id==plain"],
          ["db", "plain"],
        ],
        [
          ["labels.tier==back", ""],
          ["db", "plain", "web"],
        ],
        [["snapshotter==overlayfs"], []],
        [["id~=("], []],
      ])("filters %j", async (filters, want) => {
        await store.create(ctx, minimal("web", { image: "nginx", labels: { tier: "front", "a.b": "1" } }));
        await store.create(
          ctx,
          minimal("db", { image: "postgres", labels: { tier: "back" }, snapshotter: "overlayfs" }),
        );
        await store.create(ctx, minimal("plain"));
        expect(idsOf(await store.list(ctx, filters))).toEqual(want);
      });

      test("a bad filter is refused, by both", async () => {
        const message = expect.stringMatching(
          /^invalid_argument: filters: parse error: .*: invalid argument: invalid argument$/,
        );
        expect(await failure(store.list(ctx, ["id==", "id"]))).toEqual(message);
        const streamed = async () => {
          for await (const container of store.stream(ctx, ["id=="])) expect(container).toBeUndefined();
        };
        expect(await failure(streamed())).toEqual(message);
      });
    });
  });
}
