// A store on a disk that fills up: what grows is refused, what is there can be read and deleted, nothing acknowledged is lost.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DisposeScope } from "../api/core/dispose.js";
import { errorKind } from "../api/core/errors.js";
import { SPEC_TYPE } from "../api/core/typeurl.js";
import { failure } from "../test/conformance/failure.js";
import { temporaryMetadata } from "../test/helpers/metadata.js";
import { requires } from "../test/helpers/requires.js";
import { fillUp, smallDisk } from "../test/helpers/small-disk.js";
import { tempDir } from "../test/helpers/temp.js";
import { until } from "../test/helpers/until.js";
import type { Metadata } from "./index.js";

const MIB = 1024 * 1024;
const ctx = { namespace: "full" };

let scope: DisposeScope;
beforeEach(() => {
  scope = new DisposeScope();
});
afterEach(() => scope[Symbol.asyncDispose]());

const create = (store: Metadata, id: string, specBytes = 2_000) =>
  store.containers.create(ctx, {
    id,
    runtime: { name: "io.containerd.runc.v2" },
    spec: { typeUrl: SPEC_TYPE, value: Buffer.from(JSON.stringify({ padding: "x".repeat(specBytes) })) },
  });

const ids = async (store: Metadata) => (await store.containers.list(ctx)).map(({ id }) => id);

describe.skipIf(requires.root() || requires.binary("mkfs.ext4"))("on a disk that fills up", () => {
  test("creates are refused, reads and deletes go on, and so do creates when there is room again", async () => {
    const disk = await smallDisk(scope, 32 * MIB);
    const root = join(disk, "store");
    const store = await temporaryMetadata(scope, { root });
    const acknowledged: string[] = [];
    for (let n = 0; n < 40; n += 1) acknowledged.push((await create(store, `c${`${n}`.padStart(3, "0")}`)).id);
    expect(existsSync(join(root, "reserve"))).toBe(true);

    fillUp(disk);
    // The mark is looked at twice a second, and the last pages of the WAL may still have room.
    let late = 0;
    const refusal = await until("a create to be refused for want of room", async () => {
      late += 1;
      const error: unknown = await create(store, `d${`${late}`.padStart(3, "0")}`).then(
        ({ id }) => void acknowledged.push(id),
        (thrown: unknown) => thrown,
      );
      return error instanceof Error && error.message.includes("too little room") && error;
    });
    expect(errorKind(refusal)).toBe("resource_exhausted");
    expect(await failure(create(store, "latest"))).toMatch(
      /^resource_exhausted: metadata store .*\/store: too little room on the disk \(\d\.\d MiB of 8\.0 MiB\): resource exhausted$/,
    );
    expect(await failure(store.containers.update(ctx, { id: "c000", labels: { a: "b" } }, ["labels"]))).toMatch(
      /^resource_exhausted/,
    );
    expect(await ids(store)).toEqual(acknowledged);

    for (const id of acknowledged.splice(0, 30)) await store.containers.delete(ctx, id);
    expect(existsSync(join(root, "reserve"))).toBe(false);
    expect(await ids(store)).toEqual(acknowledged);
    // Its room is for deletes alone.
    expect(errorKind(await create(store, "greedy").catch((error: unknown) => error))).toBe("resource_exhausted");

    rmSync(join(disk, "ballast"));
    await until("creates to be taken again", async () => acknowledged.push((await create(store, "z")).id));
    expect(existsSync(join(root, "reserve"))).toBe(true);
    expect(await ids(store)).toEqual(acknowledged);

    await store[Symbol.asyncDispose]();
    expect(await ids(await temporaryMetadata(scope, { root }))).toEqual(acknowledged);
  });

  test("writes that run into its end are undone whole", async () => {
    const disk = await smallDisk(scope, 6 * MIB);
    const root = join(disk, "store");
    const space = { reserveBytes: MIB, lowWaterBytes: 0 };
    const store = await temporaryMetadata(scope, { root, space });
    const acknowledged: string[] = [];
    let refused: unknown;
    for (let n = 0; refused === undefined; n += 1) {
      await create(store, `c${`${n}`.padStart(3, "0")}`, 100_000).then(
        ({ id }) => acknowledged.push(id),
        (error: unknown) => {
          refused = error;
        },
      );
    }
    expect(errorKind(refused)).toBe("resource_exhausted");
    expect(refused).toMatchObject({ message: "metadata store: database or disk is full: resource exhausted" });
    expect(acknowledged.length).toBeGreaterThan(10);
    expect(await ids(store)).toEqual(acknowledged);
    for (const id of acknowledged.splice(0, 10)) await store.containers.delete(ctx, id);
    expect(await ids(store)).toEqual(acknowledged);

    // As a crash would leave it: the WAL ends in what was undone.
    const copy = join(await tempDir(scope), "copy");
    const saved = new Map(["metadata.db", "metadata.db-wal"].map((name) => [name, readFileSync(join(root, name))]));
    await store[Symbol.asyncDispose]();
    const other = await temporaryMetadata(scope, { root: copy });
    await other[Symbol.asyncDispose]();
    for (const [name, bytes] of saved) writeFileSync(join(copy, name), bytes);
    expect(await ids(await temporaryMetadata(scope, { root: copy }))).toEqual(acknowledged);
  });

  test("a store that was left on a full disk opens, and can be emptied", async () => {
    const disk = await smallDisk(scope, 32 * MIB);
    const root = join(disk, "store");
    const before = await temporaryMetadata(scope, { root });
    await create(before, "old");
    await before[Symbol.asyncDispose]();
    fillUp(disk);

    const store = await temporaryMetadata(scope, { root });
    expect(await ids(store)).toEqual(["old"]);
    expect(errorKind(await create(store, "new").catch((error: unknown) => error))).toBe("resource_exhausted");
    await store.containers.delete(ctx, "old");
    await store[Symbol.asyncDispose]();
    expect(await ids(await temporaryMetadata(scope, { root }))).toEqual([]);
  });
});

test("a store without room for a reserve does without", async () => {
  const root = await tempDir(scope);
  const store = await temporaryMetadata(scope, { root, space: { reserveBytes: 2 ** 60, lowWaterBytes: 0 } });
  await create(store, "c");
  expect(existsSync(join(root, "reserve"))).toBe(false);
});
