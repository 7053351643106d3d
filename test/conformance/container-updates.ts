// What an update does to a container, in every container store. The texts are containerd's.
import { beforeEach, describe, expect, test } from "vitest";
import type { Container, ContainerStore, NewContainer } from "../../api/core/container.js";
import type { RequestContext } from "../../api/core/context.js";
import { bareContainer, EXTENSION, minimal, OPTIONS, OTHER_SPEC, SPEC } from "./container-records.js";
import { failure } from "./failure.js";

/** A store, and the context of a namespace of its own. */
export interface Subject {
  readonly store: ContainerStore;
  readonly ctx: RequestContext;
}

/** Registers the tests of updates; `subject` answers from the beginning of each test on. */
export function containerUpdates(subject: () => Subject, full: (id: string) => NewContainer): void {
  let store: ContainerStore;
  let ctx: RequestContext;

  beforeEach(() => {
    ({ store, ctx } = subject());
  });

  describe("update without a mask", () => {
    test("replaces what may change, keeps the rest", async () => {
      const before = await store.create(ctx, full("c1"));
      const after = await store.update(ctx, {
        id: "c1",
        labels: { n: "1", gone: "" },
        runtime: { name: "io.containerd.runc.v2" },
        spec: OTHER_SPEC,
        snapshotter: "overlayfs",
        extensions: { "example/e": OPTIONS },
      });
      expect(bareContainer(after)).toEqual({
        ...full("c1"),
        labels: { n: "1" },
        image: "",
        snapshotKey: "",
        spec: OTHER_SPEC,
        extensions: { "example/e": OPTIONS },
        createdAtNs: before.createdAtNs,
        updatedAtNs: expect.any(BigInt),
      });
      expect(after.updatedAtNs).toBeGreaterThan(before.updatedAtNs);
      expect(bareContainer(await store.get(ctx, "c1"))).toEqual(bareContainer(after));
    });

    const { spec: _, ...withoutSpec } = full("c1");
    test.each<[string, NewContainer, string]>([
      ["another snapshotter", { ...full("c1"), snapshotter: "native" }, "container.Snapshotter field is immutable"],
      ["neither", { id: "c1", spec: SPEC }, "container.Snapshotter field is immutable"],
      ["another runtime", { ...full("c1"), runtime: { name: "x" } }, "container.Runtime.Name field is immutable"],
      ["no spec", withoutSpec, "update failed validation: container.Spec must be set"],
    ])("refused: %s", async (_name, request, message) => {
      const before = await store.create(ctx, full("c1"));
      expect(await failure(store.update(ctx, request))).toBe(`invalid_argument: ${message}: invalid argument`);
      expect(bareContainer(await store.get(ctx, "c1"))).toEqual(bareContainer(before));
    });
  });

  describe("update with a mask", () => {
    const request: NewContainer = {
      id: "c1",
      labels: { "a.b": "new", other: "x" },
      image: "new-image",
      runtime: { name: "other" },
      spec: OTHER_SPEC,
      snapshotter: "other",
      snapshotKey: "new-key",
      extensions: { "example/e": OPTIONS, more: EXTENSION },
      sandbox: "other",
    };

    test.each<[string[], Partial<Container>]>([
      [["labels"], { labels: { "a.b": "new", other: "x" } }],
      [["labels.a.b"], { labels: { "containerd.io/x": "1", "a.b": "new" } }],
      [["labels.containerd.io/x"], { labels: { "a.b": "c" } }],
      [["image"], { image: "new-image" }],
      [["spec"], { spec: OTHER_SPEC }],
      [["snapshotkey"], { snapshotKey: "new-key" }],
      [["extensions.more"], { extensions: { "example/e": EXTENSION, more: EXTENSION } }],
      [["extensions"], { extensions: { "example/e": OPTIONS, more: EXTENSION } }],
      [["extensions.none"], { extensions: { "example/e": EXTENSION, none: { typeUrl: "", value: Buffer.alloc(0) } } }],
      [["labels.other", "image"], { labels: { "containerd.io/x": "1", "a.b": "c", other: "x" }, image: "new-image" }],
    ])("%j changes just that", async (paths, change) => {
      const before = await store.create(ctx, full("c1"));
      await store.update(ctx, request, paths);
      const after = await store.get(ctx, "c1");
      expect(bareContainer(after)).toEqual({ ...bareContainer(before), ...change, updatedAtNs: after.updatedAtNs });
      expect(after.updatedAtNs).toBeGreaterThan(before.updatedAtNs);
    });

    test("extensions are never removed", async () => {
      await store.create(ctx, full("c1"));
      await store.update(ctx, { id: "c1" }, ["extensions"]);
      expect(Object.keys((await store.get(ctx, "c1")).extensions)).toEqual(["example/e"]);
    });

    test.each(["snapshot_key", "runtime", "runtime.name", "snapshotter", "sandbox", "id", "created_at", "Labels", ""])(
      "%j is refused, and the good paths beside it do nothing",
      async (path) => {
        const before = await store.create(ctx, full("c1"));
        expect(await failure(store.update(ctx, request, ["image", path]))).toBe(
          `invalid_argument: cannot update "${path}" field on "c1": invalid argument`,
        );
        expect(bareContainer(await store.get(ctx, "c1"))).toEqual(bareContainer(before));
      },
    );

    test("the result must be valid", async () => {
      await store.create(ctx, minimal("c1"));
      expect(await failure(store.update(ctx, { id: "c1" }, ["spec"]))).toBe(
        "invalid_argument: update failed validation: container.Spec must be set: invalid argument",
      );
      expect(await failure(store.update(ctx, { id: "c1", snapshotKey: "k" }, ["snapshotkey"]))).toBe(
        "invalid_argument: update failed validation: container.Snapshotter must be set if container.SnapshotKey is set: invalid argument",
      );
    });

    test("an id is needed before all", async () => {
      expect(await failure(store.update({}, { id: "" }))).toBe("invalid_argument: Container.ID required");
    });
  });
}
