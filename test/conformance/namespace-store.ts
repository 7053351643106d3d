// What every namespace store does, the one on SQLite and the one that speaks to a daemon. The texts are containerd's.
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ContainerStore } from "../../api/core/container.js";
import { DisposeScope } from "../../api/core/dispose.js";
import type { LeaseStore } from "../../api/core/lease.js";
import type { NamespaceStore } from "../../api/core/namespace.js";
import { type Dialect, labelTooLarge } from "./dialect.js";
import { failure } from "./failure.js";

/** The stores of one daemon or database. */
export interface NamespaceStoreSubject {
  readonly namespaces: NamespaceStore;
  readonly containers: ContainerStore;
  readonly leases: LeaseStore;
}

/** Makes the stores under test. What it opens it gives to the scope, which ends with the test. */
export type MakeNamespaceStore = (scope: DisposeScope) => Promise<NamespaceStoreSubject>;

const SPEC = { typeUrl: "example/Spec", value: Buffer.from("{}") };

/** Registers the suite; `name` says whose store it is. */
export function namespaceStoreConformance(name: string, makeStore: MakeNamespaceStore, dialect: Dialect = "2.x"): void {
  describe(`namespace store: ${name}`, () => {
    let scope: DisposeScope;
    let subject: NamespaceStoreSubject;
    let store: NamespaceStore;
    let mine: string;

    beforeEach(async () => {
      scope = new DisposeScope();
      subject = await makeStore(scope);
      store = subject.namespaces;
      mine = `bt-${randomBytes(5).toString("hex")}`;
    });

    afterEach(() => scope[Symbol.asyncDispose]());

    /** The namespaces of this test. */
    const listed = async () => (await store.list({})).filter((namespace) => namespace.name.startsWith(mine));

    test("get never fails", async () => {
      expect(await store.get({}, mine)).toEqual({ name: mine, labels: {} });
      expect(await listed()).toEqual([]);
    });

    test("create stores labels that have a value and echoes all", async () => {
      const request = { name: mine, labels: { a: "1", b: "" } };
      expect(await store.create({}, request)).toEqual(request);
      expect(await store.get({}, mine)).toEqual({ name: mine, labels: { a: "1" } });
      expect(await listed()).toEqual([{ name: mine, labels: { a: "1" } }]);
    });

    test("create refuses a name that is taken, also by an object", async () => {
      await store.create({}, { name: mine, labels: {} });
      const other = `${mine}-2`;
      await subject.leases.create({ namespace: other }, { id: "l" });
      for (const taken of [mine, other]) {
        expect(await failure(store.create({}, { name: taken, labels: {} }))).toBe(
          `already_exists: namespace "${taken}": already exists`,
        );
      }
    });

    test.each([
      ["", "identifier must not be empty: invalid argument"],
      ["a b", 'identifier "a b" must match ^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$: invalid argument'],
      ["x".repeat(77), `identifier "${"x".repeat(77)}" greater than maximum length (76 characters): invalid argument`],
    ])("create refuses the name %j", async (bad, message) => {
      expect(await failure(store.create({}, { name: bad, labels: { k: "v".repeat(5000) } }))).toBe(
        `invalid_argument: ${message}`,
      );
    });

    test("a label too large is refused", async () => {
      const labels = { k: "v".repeat(4096) };
      const message = `invalid_argument: namespace.Labels: ${labelTooLarge(dialect)}`;
      expect(await failure(store.create({}, { name: mine, labels }))).toBe(message);
      expect(await listed()).toEqual([]);
    });

    test("list is by name", async () => {
      for (const suffix of ["b", "a", "B", "10", "9"])
        await store.create({}, { name: `${mine}-${suffix}`, labels: {} });
      expect((await listed()).map((namespace) => namespace.name.slice(mine.length))).toEqual([
        "-10",
        "-9",
        "-B",
        "-a",
        "-b",
      ]);
    });

    describe("update", () => {
      test("without a mask replaces all labels", async () => {
        await store.create({}, { name: mine, labels: { a: "1", b: "2" } });
        await store.update({}, { name: mine, labels: { b: "3", c: "4", d: "" } });
        expect((await store.get({}, mine)).labels).toEqual({ b: "3", c: "4" });
      });

      test("with a mask changes the named labels", async () => {
        await store.create({}, { name: mine, labels: { a: "1", b: "2", "x.y/z": "3" } });
        await store.update({}, { name: mine, labels: { a: "9", b: "9", "x.y/z": "" } }, ["labels.a", "labels.x.y/z"]);
        expect((await store.get({}, mine)).labels).toEqual({ a: "9", b: "2" });
        await store.update({}, { name: mine, labels: {} }, ["labels.a"]);
        expect((await store.get({}, mine)).labels).toEqual({ b: "2" });
      });

      test.each(["labels", "name", "xlabels.a", ""])("refuses the path %j whole", async (path) => {
        await store.create({}, { name: mine, labels: { a: "1" } });
        expect(await failure(store.update({}, { name: mine, labels: { a: "2" } }, ["labels.a", path]))).toBe(
          `invalid_argument: cannot update "${path}" field`,
        );
        expect((await store.get({}, mine)).labels).toEqual({ a: "1" });
      });

      test("makes a namespace by naming a label, set or cleared, not by replacing none", async () => {
        await store.update({}, { name: mine, labels: {} });
        expect(await listed()).toEqual([]);
        await store.update({}, { name: mine, labels: { a: "" } }, ["labels.a"]);
        expect(await listed()).toEqual([{ name: mine, labels: {} }]);
        await store.update({}, { name: `${mine}-2`, labels: { a: "1" } }, ["labels.a"]);
        expect(await listed()).toContainEqual({ name: `${mine}-2`, labels: { a: "1" } });
      });
    });

    describe("delete", () => {
      test("takes labels and leases along", async () => {
        await store.create({}, { name: mine, labels: { a: "1" } });
        await subject.leases.create({ namespace: mine }, { id: "l", labels: { x: "y" } });
        await subject.leases.addResource({ namespace: mine }, "l", { type: "ingests", id: "r" });
        await store.delete({}, mine);
        expect(await listed()).toEqual([]);
        await store.create({}, { name: mine, labels: {} });
        expect(await subject.leases.list({ namespace: mine })).toEqual([]);
        expect((await store.get({}, mine)).labels).toEqual({});
      });

      test("refuses while there are containers", async () => {
        await subject.containers.create({ namespace: mine }, { id: "c", runtime: { name: "r" }, spec: SPEC });
        expect(await failure(store.delete({}, mine))).toBe(
          `failed_precondition: namespace "${mine}" must be empty, but it still has containers: failed precondition`,
        );
        await subject.containers.delete({ namespace: mine }, "c");
        expect(await listed()).toEqual([{ name: mine, labels: {} }]);
        await store.delete({}, mine);
        expect(await listed()).toEqual([]);
      });

      test.each(["bt-nope", ""])("does not find %j", async (unknown) => {
        expect(await failure(store.delete({}, unknown))).toBe(`not_found: namespace "${unknown}": not found`);
      });
    });
  });
}
