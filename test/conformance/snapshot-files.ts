// What every snapshotter makes of files: layers are written through real mounts, committed and looked at through others.
// Needs root, and the daemon's folders on this machine.
// @source containerd core/snapshots/testsuite (which changes are worth trying)
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RequestContext } from "../../api/core/context.js";
import { DisposeScope } from "../../api/core/dispose.js";
import type { SnapshotStore } from "../../api/core/snapshot.js";
import { getXattr, setXattr } from "../../runtime/sys/xattr.js";
import { mounted } from "../helpers/mounted.js";
import { heldContext, type MakeSnapshotters, type SnapshotterName } from "./snapshot-store.js";

/** Changes files below `root`. */
type Change = (root: string) => void;

/** Text of every file below, links as `-> target`, folders as "/"; by path. */
function tree(root: string, below = ""): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(join(root, below)).sort()) {
    const path = join(below, name);
    const stats = lstatSync(join(root, path));
    if (stats.isDirectory()) Object.assign(found, { [path]: "/" }, tree(root, path));
    else
      found[path] = stats.isSymbolicLink()
        ? `-> ${readlinkSync(join(root, path))}`
        : readFileSync(join(root, path), "utf8");
  }
  return found;
}

/** Registers the suite; `name` says whose stores they are. */
export function snapshotFilesConformance(name: string, snapshotter: SnapshotterName, make: MakeSnapshotters): void {
  describe(`files of snapshots: ${name}, ${snapshotter}`, () => {
    let scope: DisposeScope;
    let store: SnapshotStore;
    let ctx: RequestContext;

    beforeEach(async () => {
      scope = new DisposeScope();
      const { snapshots, leases } = await make(scope);
      store = snapshots.get(snapshotter);
      ctx = await heldContext(leases);
    });

    afterEach(() => scope[Symbol.asyncDispose]());

    /** Layers `l1`, `l2`, … one on the other. Resolves with the name of the last. */
    async function layers(...changes: readonly Change[]): Promise<string> {
      let parent = "";
      for (const [index, change] of changes.entries()) {
        const key = `key${index + 1}`;
        await mounted(await store.prepare(ctx, key, { parent }), change);
        parent = `l${index + 1}`;
        await store.commit(ctx, parent, key);
      }
      return parent;
    }

    /** Looks at a snapshot through a view. */
    const look = async <T>(parent: string, at: (root: string) => T, key = `view-of-${parent}`): Promise<T> =>
      mounted(await store.view(ctx, key, { parent }), at);

    const file =
      (path: string, text: string): Change =>
      (root) =>
        writeFileSync(join(root, path), text);
    const folder =
      (path: string): Change =>
      (root) =>
        mkdirSync(join(root, path), { recursive: true });
    const remove =
      (path: string): Change =>
      (root) =>
        rmSync(join(root, path), { recursive: true });
    const all =
      (...changes: readonly Change[]): Change =>
      (root) => {
        for (const change of changes) change(root);
      };

    test("an empty snapshot is an empty folder that anyone may read", async () => {
      await mounted(await store.prepare(ctx, "key", {}), (root) => {
        expect(readdirSync(root)).toEqual([]);
        expect(lstatSync(root).mode & 0o777).toBe(0o755);
      });
    });

    test("layers add, change and remove; those below stay as they are", async () => {
      const top = await layers(
        all(folder("a/b/c"), file("foo", "foo\n"), file("a/b/c/deep", "1"), (root) =>
          symlinkSync("foo", join(root, "link")),
        ),
        all(file("bar", "bar\n"), file("foo", "changed\n"), remove("a/b")),
        all(folder("a/b"), file("a/b/new", "2"), remove("link")),
      );
      expect(await look(top, tree)).toEqual({ a: "/", "a/b": "/", "a/b/new": "2", bar: "bar\n", foo: "changed\n" });
      expect(await look("l2", tree)).toEqual({ a: "/", bar: "bar\n", foo: "changed\n", link: "-> foo" });
      expect(await look("l1", tree)).toEqual({
        a: "/",
        "a/b": "/",
        "a/b/c": "/",
        "a/b/c/deep": "1",
        foo: "foo\n",
        link: "-> foo",
      });
    });

    test("an active snapshot keeps what was written between mounts, and its parent none of it", async () => {
      const base = await layers(file("f", "base"));
      await mounted(await store.prepare(ctx, "key", { parent: base }), file("f", "mine"));
      await mounted(await store.mounts(ctx, "key"), (root) => expect(tree(root)).toEqual({ f: "mine" }));
      expect(await look(base, tree)).toEqual({ f: "base" });
    });

    test("a folder removed and made again does not show what it held", async () => {
      const top = await layers(
        all(folder("d"), file("d/old", "1")),
        all(remove("d"), folder("d"), file("d/new", "2")),
        all(remove("d/new")),
      );
      expect(await look(top, tree)).toEqual({ d: "/" });
    });

    test("a file may become a folder, and a folder a file", async () => {
      const top = await layers(
        all(file("f", "1"), folder("d"), file("d/x", "2")),
        all(remove("f"), folder("f"), file("f/y", "3"), remove("d"), file("d", "4")),
      );
      expect(await look(top, tree)).toEqual({ d: "4", f: "/", "f/y": "3" });
    });

    test("files are renamed over those of other layers", async () => {
      const top = await layers(all(file("a", "a"), file("b", "b"), folder("d"), file("d/c", "c")), (root) => {
        renameSync(join(root, "a"), join(root, "b"));
        renameSync(join(root, "d/c"), join(root, "a"));
      });
      expect(await look(top, tree)).toEqual({ a: "c", b: "a", d: "/" });
    });

    test("owners, modes, times and attributes last through layers that change others", async () => {
      const top = await layers(
        (root) => {
          for (const path of ["x", "y"]) {
            writeFileSync(join(root, path), path);
            chownSync(join(root, path), 1000, 2000);
            chmodSync(join(root, path), 0o4750);
            setXattr(join(root, path), "user.k", Buffer.from("v"));
            lutimesSync(join(root, path), 1_000_000_000, 1_000_000_000);
          }
        },
        (root) => chownSync(join(root, "x"), 5, 6),
      );
      await look(top, (root) => {
        const [x, y] = [lstatSync(join(root, "x")), lstatSync(join(root, "y"))];
        expect([x.uid, x.gid, y.uid, y.gid]).toEqual([5, 6, 1000, 2000]);
        expect(y.mode & 0o7777).toBe(0o4750);
        expect([x.mtimeMs, y.mtimeMs]).toEqual([1e12, 1e12]);
        expect(getXattr(join(root, "x"), "user.k")?.toString()).toBe("v");
      });
    });

    test("names of one file stay names of one file, until a layer writes to it", async () => {
      const top = await layers(
        all(file("a", "1"), (root) => linkSync(join(root, "a"), join(root, "b"))),
        all((root) => unlinkSync(join(root, "a")), file("c", "2")),
      );
      await look("l1", (root) => {
        expect(lstatSync(join(root, "a")).ino).toBe(lstatSync(join(root, "b")).ino);
        expect(lstatSync(join(root, "b")).nlink).toBe(2);
      });
      expect(await look(top, tree)).toEqual({ b: "1", c: "2" });
    });

    test("the root folder has its parent's owner", async () => {
      const top = await layers((root) => chownSync(root, 1234, 4321), file("f", "1"));
      await mounted(await store.prepare(ctx, "key", { parent: top }), (root) => {
        expect([lstatSync(root).uid, lstatSync(root).gid]).toEqual([1234, 4321]);
      });
    });

    test.each([
      ["nothing", 0],
      ["one layer", 1],
      ["two layers", 2],
    ])("a view of %s cannot be written to", async (_name, count) => {
      const parent = await layers(...Array.from({ length: count }, (_, index) => file(`f${index}`, "1")));
      const write = (root: string) => expect(() => writeFileSync(join(root, "new"), "")).toThrow(/EROFS/);
      await mounted(await store.view(ctx, "look", { parent }), write);
      await mounted(await store.mounts(ctx, "look"), write);
    });

    test("views of one parent do not disturb each other, nor does the removal of one", async () => {
      const base = await layers(file("f", "1"), file("g", "2"));
      await mounted(await store.view(ctx, "v1", { parent: base }), async (root) => {
        await mounted(await store.view(ctx, "v2", { parent: base }), (other) =>
          expect(tree(other)).toEqual(tree(root)),
        );
        await store.remove(ctx, "v2");
        expect(tree(root)).toEqual({ f: "1", g: "2" });
      });
    });

    test("fifty layers are one tree", async () => {
      const changes = Array.from({ length: 50 }, (_, index) =>
        all(file("last", `${index}`), file(`f${index}`, "x"), ...(index > 0 ? [remove(`f${index - 1}`)] : [])),
      );
      const top = await layers(...changes);
      expect(await look(top, tree)).toEqual({ f49: "x", last: "49" });
      await mounted(await store.prepare(ctx, "key", { parent: top }), (root) => {
        expect(existsSync(join(root, "f49"))).toBe(true);
        file("last", "mine")(root);
      });
      for (let index = 50; index > 1; index--) {
        if (index === 50) for (const key of ["key", "view-of-l50"]) await store.remove(ctx, key);
        await store.remove(ctx, `l${index}`);
      }
      expect(await look("l1", tree)).toEqual({ f0: "x", last: "0" });
    }, 120_000);

    test("usage counts what a snapshot adds, each file once", async () => {
      const content = "x".repeat(100_000);
      await mounted(
        await store.prepare(ctx, "key", {}),
        all(file("a", content), (root) => linkSync(join(root, "a"), join(root, "b")), folder("d")),
      );
      const active = await store.usage(ctx, "key");
      expect(active.inodes).toBe(3);
      expect(active.sizeBytes).toBeGreaterThan(100_000);
      expect(active.sizeBytes).toBeLessThan(150_000);
      await store.commit(ctx, "base", "key");
      expect(await store.usage(ctx, "base")).toEqual(active);
      await mounted(await store.prepare(ctx, "key", { parent: "base" }), file("c", "1"));
      const { inodes, sizeBytes } = await store.usage(ctx, "key");
      expect(inodes).toBe(snapshotter === "native" ? 4 : 2);
      if (snapshotter === "overlayfs") expect(sizeBytes).toBeLessThan(20_000);
      await store.view(ctx, "look", { parent: "base" });
      expect(await store.usage(ctx, "look")).toEqual({ sizeBytes: 0, inodes: 0 });
    });
  });
}
