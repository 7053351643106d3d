// Every key that the collector acts upon, and those next to them that it does not.
import { describe, expect, test } from "vitest";
import { conditionTargets, labelEdge } from "./label-edges.js";

const NOW_NS = 1_704_110_400n * 1_000_000_000n;

describe("a reference", () => {
  test.each([
    ["content", "content", "v"],
    ["content.", "content", "v"],
    ["content.config", "content", "v"],
    ["content/x", "content", "v"],
    ["content.l.0", "content", "v"],
    ["image", "image", "v"],
    ["image.x", "image", "v"],
    ["image/x", "image", "v"],
    ["snapshot.native", "snapshot", "native/v"],
    ["snapshot.native/2", "snapshot", "native/v"],
    ["snapshot.native/2/3", "snapshot", "native/v"],
    ["snapshot.a.b", "snapshot", "a.b/v"],
  ])("%s", (name, type, key) => {
    expect(labelEdge(`containerd.io/gc.ref.${name}`, "v")).toEqual({ direction: "holds", target: { type, key } });
    expect(labelEdge(`containerd.io/gc.bref.${name}`, "v")).toEqual({ direction: "by", target: { type, key } });
  });

  test.each(["container", "container.x", "container/x"])("back to %s", (name) => {
    const target = { type: "container", key: "v" };
    expect(labelEdge(`containerd.io/gc.bref.${name}`, "v")).toEqual({ direction: "by", target });
  });

  test("to a snapshot whose name has slashes", () => {
    expect(labelEdge("containerd.io/gc.ref.snapshot.native", "a/b")?.target.key).toBe("native/a/b");
  });

  test.each([
    "containerd.io/gc.ref.contentx",
    "containerd.io/gc.ref.imagex",
    "containerd.io/gc.ref.snapshot",
    "containerd.io/gc.ref.snapshot/native",
    "containerd.io/gc.ref.snapshotnative",
    "containerd.io/gc.ref.container",
    "containerd.io/gc.ref.container.x",
    "containerd.io/gc.bref.containerx",
    "containerd.io/gc.bref.contentx",
    "containerd.io/gc.bref.snapshot",
    "containerd.io/gc.ref.",
    "containerd.io/gc.ref",
    "containerd.io/gc.root",
    "containerd.io/gc.expire",
    "containerd.io/gc.cond.snapshot.native",
    "containerd.io/distribution.source.host",
    "containerd.io/snapshot.ref",
    "gc.ref.content",
  ])("%s is none", (key) => {
    expect(labelEdge(key, "v")).toBeUndefined();
  });
});

describe("a condition", () => {
  /** Of snapshot `native/s`, used an hour ago; `native/never` has no time, `native/odd` a wrong one. */
  const usedAt = (snapshot: string): string | undefined =>
    ({ "native/s": "2024-01-01T11:00:00Z", "native/odd": "yesterday" })[snapshot];
  const held = (key: string, value: string) => conditionTargets(key, value, usedAt, NOW_NS).map((target) => target.key);
  const KEY = "containerd.io/gc.cond.snapshot.native";

  test.each([
    ["usedat<2h|s", ["native/s"]],
    ["usedat<60m|s", []],
    ["usedat<3600.000000001s|s", ["native/s"]],
    ["usedat>30m|s", ["native/s"]],
    ["usedat>60m|s", []],
    ["usedat>2h|s", []],
    ["usedat<2h|never", []],
    ["usedat>2h|never", []],
    ["usedat<2h|odd", []],
    ["usedat<2h|", []],
    ["usedat=2h|s", []],
    ["usedat<soon|s", []],
    ["createdat<2h|s", []],
    ["usedat<1m|s,usedat<2h|s", ["native/s"]],
    ["nonsense,usedat<2h|s", ["native/s"]],
    ["", []],
  ])("%s holds %j", (value, keys) => {
    expect(held(KEY, value)).toEqual(keys);
  });

  test.each([
    ["containerd.io/gc.cond.snapshot.native", true],
    ["containerd.io/gc.cond.snapshot/native", true],
    ["containerd.io/gc.cond.snapshot.native/2", true],
    ["containerd.io/gc.cond.snapshotnative", false],
    ["containerd.io/gc.cond.snapshot", false],
    ["containerd.io/gc.cond.snapshot.overlayfs", false],
    ["containerd.io/gc.ref.snapshot.native", false],
  ])("under %s counts: %s", (key, counts) => {
    expect(held(key, "usedat<2h|s").length > 0).toBe(counts);
  });
});
