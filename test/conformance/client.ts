// What a client does, whatever it is a client of: a daemon in this process, berthd, or containerd. One suite for all of them; the
// suites of the single stores go deeper.
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SPEC_TYPE } from "../../api/client/index.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { PATIENCE_MS } from "../helpers/until.js";
import { clientCallsConformance } from "./client-calls.js";
import { clientEventsConformance } from "./client-events.js";
import type { OpenClient, StartSubject } from "./client-subject.js";
import { clientTasksConformance } from "./client-tasks.js";
import { digestOf, readAll } from "./content-world.js";
import { failure } from "./failure.js";

const RUNTIME = { name: "io.containerd.runc.v2" };
const SPEC = { typeUrl: SPEC_TYPE, value: Buffer.from('{"ociVersion":"1.0.2"}') };

/** Registers the suite; `name` says whose client it is. `canRun`: whether containers can be run here. */
export function clientConformance(name: string, start: StartSubject, canRun: boolean): void {
  describe(`client: ${name}`, () => {
    const scope = new DisposeScope();
    let open: OpenClient;

    beforeAll(async () => {
      open = await start(scope);
    });
    afterAll(() => scope[Symbol.asyncDispose]());

    const current: OpenClient = (defaults) => open(defaults);
    records(current);
    layers(current);
    clientCallsConformance(current);
    clientEventsConformance(current);
    describe.skipIf(!canRun)("tasks", () => clientTasksConformance(current));
  });
}

const freshName = (): string => `bt-${randomBytes(5).toString("hex")}`;

function records(open: OpenClient): void {
  test("tells of its daemon", async () => {
    await using client = open();
    await client.ready({ timeoutMs: PATIENCE_MS });
    expect((await client.version()).version).not.toBe("");
    expect((await client.introspection.plugins({})).map(({ type }) => type)).toContain("io.containerd.snapshotter.v1");
  });

  test("containers", async () => {
    const namespace = freshName();
    await using client = open({ namespace });
    const made = await client.containers.create({}, { id: "a", labels: { n: "1" }, runtime: RUNTIME, spec: SPEC });
    expect(made).toMatchObject({ id: "a", labels: { n: "1" }, spec: SPEC, runtime: { name: RUNTIME.name } });
    expect(await client.containers.get({}, "a")).toEqual(made);
    for (const id of ["b", "c"]) await client.containers.create({}, { id, runtime: RUNTIME, spec: SPEC });
    expect((await client.containers.list({}, ["labels.n==1", "id==c"])).map(({ id }) => id)).toEqual(["a", "c"]);
    const updated = await client.containers.update({}, { id: "a", labels: { n: "2" } }, ["labels.n"]);
    expect(updated.labels).toEqual({ n: "2" });
    const seen: string[] = [];
    for await (const { id } of client.containers.stream({})) {
      seen.push(id);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual(["a", "b"]);
    for (const id of ["a", "b", "c"]) await client.containers.delete({}, id);
    expect(await client.containers.list({})).toEqual([]);
  });

  test("images", async () => {
    await using client = open({ namespace: freshName() });
    const target = {
      mediaType: "application/vnd.oci.image.index.v1+json",
      digest: digestOf(SPEC.value),
      sizeBytes: 22,
    };
    const image = await client.images.create({}, { name: "example.org/a:1", target: { ...target, annotations: {} } });
    expect(image).toMatchObject({ name: "example.org/a:1", target });
    expect(await client.images.list({}, ['name=="example.org/a:1"'])).toEqual([image]);
    const renewed = await client.images.update({}, { ...image, labels: { a: "b" } }, ["labels"]);
    expect(renewed.labels).toEqual({ a: "b" });
    await client.images.delete({}, image.name, { sync: true });
    expect(await failure(client.images.get({}, image.name))).toBe('not_found: image "example.org/a:1": not found');
  });

  test("namespaces", async () => {
    const name = freshName();
    await using client = open();
    expect(await client.namespaces.create({}, { name, labels: { a: "1" } })).toEqual({ name, labels: { a: "1" } });
    await client.namespaces.update({}, { name, labels: { b: "2" } }, ["labels.b"]);
    expect(await client.namespaces.get({}, name)).toEqual({ name, labels: { a: "1", b: "2" } });
    expect((await client.namespaces.list({})).map((each) => each.name)).toContain(name);
    await client.namespaces.delete({}, name);
    expect((await client.namespaces.list({})).map((each) => each.name)).not.toContain(name);
  });

  test("leases hold what their clients make", async () => {
    const namespace = freshName();
    await using client = open({ namespace });
    const lease = await client.leases.create({}, { id: "work", labels: { a: "1" } });
    expect(lease).toMatchObject({ id: "work", labels: { a: "1" } });
    await using leased = open({ namespace, leaseId: "work" });
    const bytes = randomBytes(100);
    await using writer = await leased.content.openWriter({}, { ref: "r" });
    await writer.write(bytes);
    const digest = await writer.commit();
    expect(await client.leases.listResources({}, "work")).toEqual([{ id: digest, type: "content" }]);
    await client.leases.delete({}, "work", { sync: true });
    expect(await client.leases.list({})).toEqual([]);
    expect(await failure(client.content.info({}, digest))).toBe(`not_found: content digest ${digest}: not found`);
  });

  test("a hundred calls at a time", async () => {
    await using client = open({ namespace: freshName() });
    const ids = Array.from({ length: 100 }, (_, n) => `c${String(n).padStart(3, "0")}`);
    await Promise.all(ids.map((id) => client.containers.create({}, { id, runtime: RUNTIME, spec: SPEC })));
    expect((await client.containers.list({})).map(({ id }) => id)).toEqual(ids);
    await Promise.all(ids.map((id) => client.containers.delete({}, id)));
  });
}

function layers(open: OpenClient): void {
  test("content: an ingest, left and taken up again, becomes a blob that is read in ranges", async () => {
    await using client = open({ namespace: freshName() });
    const bytes = randomBytes(3_000_000);
    const digest = digestOf(bytes);
    {
      await using writer = await client.content.openWriter(
        {},
        { ref: "r", totalBytes: bytes.length, expected: digest },
      );
      await writer.write(bytes.subarray(0, 1_000_000));
    }
    expect(await client.content.status({}, "r")).toMatchObject({ offsetBytes: 1_000_000, totalBytes: bytes.length });
    await using writer = await client.content.openWriter({}, { ref: "r" });
    expect(writer.offsetBytes).toBe(1_000_000);
    await writer.write(bytes.subarray(1_000_000));
    expect(writer.digest()).toBe(digest);
    const labels = { "containerd.io/gc.root": "yes" };
    expect(await writer.commit({ expected: digest, sizeBytes: bytes.length, labels })).toBe(digest);
    expect(await client.content.info({}, digest)).toMatchObject({ sizeBytes: bytes.length, labels });
    expect((await readAll(client.content.read({}, digest))).equals(bytes)).toBe(true);
    const range = { offsetBytes: 999_999, sizeBytes: 1_500_000 };
    const part = await readAll(client.content.read({}, digest, range));
    expect(part.equals(bytes.subarray(999_999, 2_499_999))).toBe(true);
    for await (const first of client.content.read({}, digest)) {
      expect(first.length).toBeGreaterThan(0);
      break;
    }
    await client.content.delete({}, digest);
  });

  test("content: what a caller does with its bytes after a write changes nothing", async () => {
    await using client = open({ namespace: freshName() });
    const bytes = randomBytes(100_000);
    const digest = digestOf(Buffer.concat([bytes, bytes]));
    await using writer = await client.content.openWriter({}, { ref: "r" });
    const scratch = Buffer.alloc(bytes.length);
    for (let round = 0; round < 2; round += 1) {
      bytes.copy(scratch);
      await writer.write(scratch);
      scratch.fill(0);
    }
    expect(await writer.commit({ expected: digest })).toBe(digest);
  });

  test("snapshots", async () => {
    await using client = open({ namespace: freshName() });
    const snapshots = client.snapshots.get("native");
    const [mount] = await snapshots.prepare({}, "work", { labels: { a: "1", "containerd.io/gc.root": "yes" } });
    expect(mount).toMatchObject({ type: "bind", options: expect.arrayContaining(["rw"]) });
    const labels = { b: "2", "containerd.io/gc.root": "yes" };
    await snapshots.commit({}, "base", "work", { labels });
    expect(await snapshots.stat({}, "base")).toMatchObject({ kind: "committed", parent: "", labels });
    await snapshots.view({}, "seen", { parent: "base", labels });
    const names: string[] = [];
    for await (const page of snapshots.list({})) names.push(...page.map(({ name }) => name));
    expect(names.sort()).toEqual(["base", "seen"]);
    expect((await failure(snapshots.remove({}, "base"))).split(":")[0]).toBe("failed_precondition");
    await snapshots.remove({}, "seen");
    await snapshots.remove({}, "base");
    expect(await failure(snapshots.stat({}, "base"))).toBe("not_found: snapshot base does not exist: not found");
  });
}
