// Containers of May 2017 on a daemon of today, by a client of that time. Each fault of that version has its test.
import { status as Code } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import type { Message } from "../helpers/containerd-2017.js";
import { FOREVER, failure, OldWorld, SPEC_TYPE } from "../helpers/containerd-2017-world.js";
import { call, headers } from "../helpers/grpc.js";

const scope = new DisposeScope();
let world: OldWorld;

beforeAll(async () => {
  world = await OldWorld.start(scope);
});
afterAll(() => scope[Symbol.asyncDispose]());

describe("containers", () => {
  test("come back as they were made, with the name of the runtime and the type of the spec", async () => {
    const wanted = {
      id: "whole",
      labels: { a: "1", "b.c": "2" },
      image: "docker.io/library/redis:alpine",
      runtime: "linux",
      spec: world.spec("whole", FOREVER),
      rootfs: "whole-key",
    };
    expect(await world.old.containers("Create", { container: wanted })).toMatchObject({ container: wanted });
    expect(await world.old.containers("Get", { id: "whole" })).toMatchObject({ container: wanted });
    const { container: seen } = await call(
      world.today.containers,
      world.today.containers.get,
      { id: "whole" },
      headers(world.namespace),
    );
    expect(seen).toMatchObject({
      runtime: { name: "io.containerd.runc.v2" },
      snapshotter: "native",
      snapshotKey: "whole-key",
    });
    await world.old.containers("Delete", { id: "whole" });
  });

  test("of other names of runtimes keep them", async () => {
    await world.old.containers("Create", {
      container: { id: "named", runtime: "io.containerd.runc.v2", spec: world.spec("n", []) },
    });
    expect(await world.old.containers("Get", { id: "named" })).toMatchObject({
      container: { runtime: "io.containerd.runc.v2" },
    });
    await world.old.containers("Delete", { id: "named" });
  });

  test("without a spec are made and come back without, and nothing crashes", async () => {
    await world.old.containers("Create", { container: { id: "bare", runtime: "linux" } });
    expect(await world.old.containers("Get", { id: "bare" })).toMatchObject({ container: { id: "bare", spec: null } });
    expect(await failure(world.old.tasks("Create", { containerId: "bare" }))).toMatchObject({
      code: Code.FAILED_PRECONDITION,
      details: "container has no spec",
    });
    expect(
      await world.old.containers("Update", { container: { id: "bare", image: "x" }, updateMask: { paths: ["image"] } }),
    ).toMatchObject({
      container: { image: "x", spec: null },
    });
    await world.old.containers("Delete", { id: "bare" });
  });

  test("are listed by id, all or those of a filter", async () => {
    for (const id of ["list-b", "list-a"])
      await world.old.containers("Create", {
        container: { id, runtime: "linux", labels: { set: "list", [id]: "yes" } },
      });
    const ids = async (filter: string) =>
      ((await world.old.containers("List", { filter }))["containers"] as Message[]).map(({ id }) => id);
    expect(await ids("labels.set==list")).toEqual(["list-a", "list-b"]);
    expect(await ids("id==list-b")).toEqual(["list-b"]);
    expect(await ids("")).toEqual(expect.arrayContaining(["list-a", "list-b"]));
    expect(await failure(ids("labels.=="))).toMatchObject({ code: Code.INVALID_ARGUMENT });
    for (const id of ["list-a", "list-b"]) await world.old.containers("Delete", { id });
  });

  test("that are missing, taken or malformed are told with the words of that time and the right code", async () => {
    const missing = { code: Code.NOT_FOUND, details: "container ID not found" };
    expect(await failure(world.old.containers("Get", { id: "none" }))).toMatchObject(missing);
    expect(await failure(world.old.containers("Delete", { id: "none" }))).toMatchObject(missing);
    expect(await failure(world.old.containers("Update", { container: { id: "none" } }))).toMatchObject(missing);
    await world.container("taken", FOREVER);
    expect(await failure(world.container("taken", FOREVER))).toMatchObject({
      code: Code.ALREADY_EXISTS,
      details: "container ID already exists",
    });
    await world.old.containers("Delete", { id: "taken" });
    for (const request of [{}, { container: { id: "../x", runtime: "linux" } }, { container: { id: "no-runtime" } }])
      expect(await failure(world.old.containers("Create", request))).toMatchObject({ code: Code.INVALID_ARGUMENT });
  });

  describe("updated", () => {
    const spec = (text: string) => ({ type_url: SPEC_TYPE, value: Buffer.from(text) });
    const before = { labels: { a: "1" }, image: "one", runtime: "linux", rootfs: "key", spec: spec("a") };
    const after = {
      labels: { b: "2" },
      image: "two",
      runtime: "other.v1",
      rootfs: "new",
      spec: spec("b"),
    };

    test.each(["labels", "image", "runtime", "rootfs", "spec"] as const)("by %s alone keep all else", async (field) => {
      await world.old.containers("Create", { container: { id: "u", ...before } });
      const request = { container: { id: "u", ...after }, updateMask: { paths: [field] } };
      const want = { container: { id: "u", ...before, [field]: after[field] } };
      expect(await world.old.containers("Update", request)).toEqual(want);
      expect(await world.old.containers("Get", { id: "u" })).toEqual(want);
      await world.old.containers("Delete", { id: "u" });
    });

    test("without a mask become what was sent", async () => {
      await world.old.containers("Create", { container: { id: "u", ...before } });
      expect(await world.old.containers("Update", { container: { id: "u", ...after } })).toEqual({
        container: { id: "u", ...after },
      });
      await world.old.containers("Delete", { id: "u" });
    });

    test("by one label", async () => {
      await world.old.containers("Create", { container: { id: "u", ...before } });
      const request = { container: { id: "u", labels: { x: "y", z: "z" } }, updateMask: { paths: ["labels.x"] } };
      expect(await world.old.containers("Update", request)).toMatchObject({
        container: { labels: { a: "1", x: "y" }, image: "one" },
      });
      await world.old.containers("Delete", { id: "u" });
    });

    test.each(["id", "snapshotkey", "Labels", ""])("by %j are left alone", async (path) => {
      await world.old.containers("Create", { container: { id: "u", ...before } });
      const request = { container: { id: "u", ...after }, updateMask: { paths: ["image", path] } };
      expect(await failure(world.old.containers("Update", request))).toMatchObject({
        code: Code.INVALID_ARGUMENT,
        details: `cannot update ${JSON.stringify(path)} field`,
      });
      expect(await world.old.containers("Get", { id: "u" })).toEqual({ container: { id: "u", ...before } });
      await world.old.containers("Delete", { id: "u" });
    });
  });
});
