// The server of the API of May 2017: its socket beside the daemon's, whose namespaces it is about, its events and its reflection.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { status as Code } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RemoteService } from "../../api/client/textproto/remote-service.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { TaskStart } from "../../api/gen/events/task.js";
import { OldClient } from "../helpers/containerd-2017.js";
import { failure, OldWorld } from "../helpers/containerd-2017-world.js";
import { startEmbedded } from "../helpers/embedded.js";
import { call, headers } from "../helpers/grpc.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const scope = new DisposeScope();
let world: OldWorld;

beforeAll(async () => {
  world = await OldWorld.start(scope);
});
afterAll(() => scope[Symbol.asyncDispose]());

test("serves another namespace to whoever names one", async () => {
  const other = freshNamespace(scope);
  using elsewhere = new OldClient(world.address, other);
  await elsewhere.containers("Create", { container: { id: "there", runtime: "linux" } });
  expect(await failure(world.old.containers("Get", { id: "there" }))).toMatchObject({ code: Code.NOT_FOUND });
  expect(await call(world.today.containers, world.today.containers.get, { id: "there" }, headers(other))).toMatchObject(
    {
      container: { id: "there" },
    },
  );
  await elsewhere.containers("Delete", { id: "there" });
  using bad = new OldClient(world.address, "a/b");
  expect(await failure(bad.containers("List", {}))).toMatchObject({ code: Code.INVALID_ARGUMENT });
});

test("outlives events that are none, and readers that take their time", async () => {
  using events = await world.old.events();
  const publish = (topic: string, value: Buffer) =>
    call(
      world.today.events,
      world.today.events.publish,
      { topic, event: { typeUrl: "x", value } },
      headers(world.namespace),
    );
  await publish("/tasks/exit", Buffer.from([0xff]));
  events.pause();
  const many = Array.from({ length: 2_500 }, (_, index) => index);
  const start = (pid: number) =>
    Buffer.from(TaskStart.encode(TaskStart.fromPartial({ containerId: "many", pid })).finish());
  await Promise.all(many.map((pid) => publish("/tasks/start", start(pid))));
  events.resume();
  await until("all of them", () => events.of("many").length === many.length);
  expect(new Set(events.of("many")).size).toBe(many.length);
  expect(events.seen).toHaveLength(many.length);
});

test("tells by reflection of its own generation, and the daemon's of today's", async () => {
  using here = new RemoteService(`unix:${world.address}`, "containerd.v1.services.execution.Tasks");
  const kill = (await here.types()).message("containerd.v1.services.execution.KillRequest");
  expect(kill).toBeDefined();
  using there = new RemoteService(`unix:${world.daemon.address}`, "containerd.v1.services.execution.Tasks");
  await expect(there.types()).rejects.toMatchObject({ kind: "not_found" });
});

test("refuses the daemon's own sockets, and leaves its own behind when it stops", async () => {
  const places = await tempDir(scope);
  const address = join(places, "b.sock");
  const at = (own: string) => ({ dir: places, address, containerd2017: { address: own } });
  for (const taken of [address, `${address}.ttrpc`])
    await expect(startEmbedded(scope, at(taken))).rejects.toMatchObject({ kind: "invalid_argument" });
  const embedded = await startEmbedded(scope, at(join(places, "o.sock")));
  using client = new OldClient(join(places, "o.sock"));
  expect(await client.containers("List", {})).toEqual({ containers: [] });
  await embedded[Symbol.asyncDispose]();
  expect(existsSync(join(places, "o.sock"))).toBe(false);
});

test("does not serve this API beside today's", async () => {
  using wrong = new OldClient(world.daemon.address);
  expect(await failure(wrong.containers("List", {}))).toMatchObject({ code: Code.UNIMPLEMENTED });
});
