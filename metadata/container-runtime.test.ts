// The one way to give a record another runtime.
import { afterAll, beforeAll, expect, test } from "vitest";
import { DisposeScope } from "../api/core/dispose.js";
import { temporaryMetadata } from "../test/helpers/metadata.js";
import type { LocalContainerStore } from "./containers.js";

const scope = new DisposeScope();
const ctx = { namespace: "ns" };
const SPEC = { typeUrl: "t", value: Buffer.from("{}") };
const OPTIONS = { typeUrl: "o", value: Buffer.from("1") };
let store: LocalContainerStore;

beforeAll(async () => {
  store = (await temporaryMetadata(scope)).containers;
  await store.create(ctx, { id: "c", runtime: { name: "one", options: OPTIONS }, spec: SPEC, image: "a" });
});
afterAll(() => scope[Symbol.asyncDispose]());

test("an update of the runtime changes it and what the paths name, and filters see it", async () => {
  const updated = await store.updateWithRuntime(ctx, { id: "c", runtime: { name: "two" }, image: "b" }, ["labels"]);
  expect(updated).toMatchObject({ runtime: { name: "two" }, image: "a" });
  expect(updated.runtime.options).toBeUndefined();
  expect(await store.get(ctx, "c")).toEqual(updated);
  const ids = async (filter: string) => (await store.list(ctx, [filter])).map(({ id }) => id);
  expect(await ids("runtime.name==two")).toEqual(["c"]);
  expect(await ids("runtime.name==one")).toEqual([]);
});

test("without a runtime it stays, and one without a name is refused", async () => {
  expect(await store.updateWithRuntime(ctx, { id: "c", image: "b" }, ["image"])).toMatchObject({
    runtime: { name: "two" },
    image: "b",
  });
  await expect(store.updateWithRuntime(ctx, { id: "c", runtime: { name: "" } }, ["labels"])).rejects.toMatchObject({
    kind: "invalid_argument",
  });
});

test("to everybody else it is immutable", async () => {
  const other = { id: "c", runtime: { name: "three" }, spec: SPEC };
  await expect(store.update(ctx, other)).rejects.toMatchObject({ kind: "invalid_argument" });
  await expect(store.update(ctx, other, ["runtime"])).rejects.toMatchObject({ kind: "invalid_argument" });
});
