// What the container store remembers is what is stored, whatever became of a change.
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { decodeContainer } from "../api/core/container-message.js";
import { DisposeScope } from "../api/core/dispose.js";
import { errorKind } from "../api/core/errors.js";
import { temporaryMetadata } from "../test/helpers/metadata.js";
import { tempDir } from "../test/helpers/temp.js";
import { DATABASE_FILE, type Metadata } from "./index.js";
import { openSqlite } from "./sqlite.js";

const ctx = { namespace: "n" };
const OTHER = { namespace: "o" };
const container = (image: string) => ({
  id: "web",
  image,
  labels: { image },
  runtime: { name: "r" },
  spec: { typeUrl: "t", value: Buffer.from("{}") },
});

let scope: DisposeScope;
let root: string;
let store: Metadata;
beforeEach(async () => {
  scope = new DisposeScope();
  root = await tempDir(scope);
  store = await temporaryMetadata(scope, { root });
});
afterEach(() => scope[Symbol.asyncDispose]());

/** What Get answers with; it must be what the database holds. */
async function image(where = ctx): Promise<string | undefined> {
  const encoded = await store.containers.getEncoded(where, "web").catch(errorKind);
  const stored = await store.containers.get(where, "web").catch(errorKind);
  if (typeof encoded !== "object" || typeof stored !== "object") {
    expect(encoded).toBe(stored);
    return undefined;
  }
  expect(decodeContainer(encoded)).toEqual(stored);
  return stored.image;
}

test("every change is seen at once, in its namespace alone", async () => {
  const { containers, namespaces } = store;
  expect(await image()).toBeUndefined();
  await containers.create(ctx, container("a"));
  await containers.create(OTHER, container("other"));
  expect(await image()).toBe("a");
  await containers.update(ctx, container("b"), ["image", "labels"]);
  expect(await image()).toBe("b");
  await containers.delete(ctx, "web");
  expect(await image()).toBeUndefined();
  await containers.create(ctx, container("c"));
  expect(await image()).toBe("c");
  await containers.delete(ctx, "web");
  await namespaces.delete({}, "n");
  expect(await image()).toBeUndefined();
  expect(await image(OTHER)).toBe("other");
});

test("a change is seen from its commit on, also before it is on disk", async () => {
  await store.containers.create(ctx, container("a"));
  expect(await image()).toBe("a");
  const update = store.containers.update(ctx, container("b"), ["image"]);
  expect(await image()).toBe("b");
  await update;
});

test("a change that is undone was never seen", async () => {
  const { containers } = store;
  await containers.create(ctx, container("a"));
  expect(await image()).toBe("a");
  // The event comes last in each transaction, so everything else has been written when it is refused.
  const saboteur = openSqlite(join(root, DATABASE_FILE));
  scope.defer(() => saboteur.close());
  saboteur.exec("CREATE TRIGGER no BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'no'); END");
  expect(await containers.update(ctx, container("b"), ["image"]).catch(errorKind)).toBe("internal");
  expect(await image()).toBe("a");
  expect(await containers.delete(ctx, "web").catch(errorKind)).toBe("internal");
  expect(await image()).toBe("a");
  expect(await containers.create(OTHER, container("b")).catch(errorKind)).toBe("internal");
  expect(await image(OTHER)).toBeUndefined();
  saboteur.exec("DROP TRIGGER no");
  await containers.update(ctx, container("c"), ["image"]);
  expect(await image()).toBe("c");
});

test("what Create and Update answer is what is stored", async () => {
  const { containers } = store;
  const created = await containers.createEncoded(ctx, container("a"));
  expect(decodeContainer(created)).toEqual(await containers.get(ctx, "web"));
  const updated = await containers.updateEncoded(ctx, container("b"), ["image", "labels.image"]);
  expect(decodeContainer(updated)).toEqual(await containers.get(ctx, "web"));
  expect(decodeContainer(updated).labels).toEqual({ image: "b" });
});
