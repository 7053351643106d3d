import fc from "fast-check";
import { expect, test } from "vitest";
import type { Container, ContainerUpdate } from "../api/core/container.js";
import { isInvalidArgument } from "../api/core/errors.js";
import type { Any } from "../api/core/typeurl.js";
import { applyUpdate, type MutableFields } from "./field-mask.js";

const key = fc.constantFrom("a", "b", "a.b", "containerd.io/x", "__proto__", "labels", "");
const any: fc.Arbitrary<Any> = fc.record({
  typeUrl: fc.constantFrom("", "t/A", "t/B"),
  value: fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
});
const labels = fc.dictionary(key, fc.constantFrom("", "1", "2"));
const extensions = fc.dictionary(key, any);
const text = fc.constantFrom("", "x", "y");

const container: fc.Arbitrary<Container> = fc.record({
  id: fc.constant("c"),
  labels,
  image: text,
  runtime: fc.record({ name: text, options: any }),
  spec: any,
  snapshotter: text,
  snapshotKey: text,
  createdAtNs: fc.bigInt(0n, 9n),
  updatedAtNs: fc.bigInt(0n, 9n),
  extensions,
  sandbox: text,
});

const update: fc.Arbitrary<ContainerUpdate> = fc.record(
  {
    id: fc.constant("c"),
    labels,
    image: text,
    runtime: fc.record({ name: text }),
    spec: any,
    snapshotter: text,
    snapshotKey: text,
    extensions,
    sandbox: text,
  },
  { requiredKeys: ["id"] },
);

const goodPath = fc.oneof(
  fc.constantFrom("labels", "spec", "extensions", "image", "snapshotkey"),
  key.map((name) => `labels.${name}`),
  key.map((name) => `extensions.${name}`),
);
const badPath = fc.constantFrom(
  "",
  "id",
  "runtime",
  "runtime.name",
  "snapshotter",
  "snapshot_key",
  "sandbox",
  "label",
  "Image",
);

/** The record as nested maps, so that a path is a way through them. */
type Tree = Map<string, unknown>;

const treeOf = (record: MutableFields | ContainerUpdate): Tree =>
  new Map<string, unknown>([
    ["labels", new Map(Object.entries(record.labels ?? {}))],
    ["extensions", new Map(Object.entries(record.extensions ?? {}))],
    ["spec", record.spec],
    ["image", record.image ?? ""],
    ["snapshotkey", record.snapshotKey ?? ""],
  ]);

/** The model: copy the named node from the request into the stored tree; extensions are added to, never taken away. */
function model(stored: Tree, request: Tree, paths: readonly string[]): Tree {
  for (const path of paths) {
    const [field = "", ...rest] = path.split(".");
    const [mine, theirs] = [stored.get(field), request.get(field)];
    if (rest.length === 0 && field !== "extensions") stored.set(field, theirs);
    else if (mine instanceof Map && theirs instanceof Map) {
      const empty = field === "labels" ? "" : { typeUrl: "", value: Buffer.alloc(0) };
      const keys = rest.length === 0 ? theirs.keys() : [rest.join(".")];
      for (const name of keys)
        stored.set(field, new Map(stored.get(field) as Tree).set(name, theirs.get(name) ?? empty));
    }
  }
  return stored;
}

test("an update changes the named fields as the model does, and no others", () => {
  fc.assert(
    fc.property(container, update, fc.array(goodPath, { minLength: 1, maxLength: 5 }), (current, request, paths) => {
      const before = treeOf(current);
      const result = applyUpdate(current, request, paths);
      expect(treeOf(result)).toEqual(model(treeOf(current), treeOf(request), paths));
      expect(treeOf(current)).toEqual(before);
    }),
    { numRuns: 2_000 },
  );
});

test("without a mask everything mutable is replaced, if nothing immutable differs", () => {
  fc.assert(
    fc.property(container, update, (current, request) => {
      const allowed =
        (request.snapshotter ?? "") === current.snapshotter && (request.runtime?.name ?? "") === current.runtime.name;
      if (allowed) {
        const all = ["labels", "spec", "extensions", "image", "snapshotkey"];
        expect(treeOf(applyUpdate(current, request, []))).toEqual(model(treeOf(current), treeOf(request), all));
      } else {
        expect(() => applyUpdate(current, request, [])).toThrow(/field is immutable: invalid argument$/);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("one bad path refuses the whole update", () => {
  fc.assert(
    fc.property(
      container,
      update,
      fc.array(goodPath),
      badPath,
      fc.array(goodPath),
      (current, request, before, bad, after) => {
        const stored = treeOf(current);
        try {
          applyUpdate(current, request, [...before, bad, ...after]);
          expect.unreachable();
        } catch (error) {
          expect(isInvalidArgument(error)).toBe(true);
          expect(String(error)).toContain(`cannot update ${JSON.stringify(bad)} field on "c": invalid argument`);
        }
        expect(treeOf(current)).toEqual(stored);
      },
    ),
  );
});

test("as many paths as a message holds", () => {
  const current: Container = {
    ...{ id: "c", labels: {}, image: "", runtime: { name: "" }, snapshotter: "", snapshotKey: "", sandbox: "" },
    ...{ spec: { typeUrl: "", value: Buffer.alloc(0) }, extensions: {}, createdAtNs: 0n, updatedAtNs: 0n },
  };
  const keys = Array.from({ length: 20_000 }, (_, at) => `k${at}`);
  const paths = keys.flatMap((each) => [`labels.${each}`, `extensions.${each}`]);
  const updated = applyUpdate(current, { id: "c", labels: { k1: "v" } }, paths);
  expect(Object.keys(updated.labels)).toEqual(keys);
  expect(Object.keys(updated.extensions)).toEqual(keys);
});
