// The same commands on a real containerd and on berthd tell the same events: topic, namespace, payload and order. Task events and
// record events are compared apart, since shims send the first and nothing orders them against each other.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import type { Engine } from "../helpers/engine.js";
import { rawClients } from "../helpers/grpc.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { type EventLog, listen } from "./event-log.js";
import { makeEvents } from "./eventful.js";

const PREFIXES = ["/containers", "/tasks", "/test"];
const lacking = requires.root() || requires.binary("containerd");

describe.skipIf(lacking)("events", () => {
  const scope = new DisposeScope();
  const logs: Record<string, EventLog> = {};

  beforeAll(async () => {
    const rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
    const play = async (start: (scope: DisposeScope) => Promise<Engine>): Promise<void> => {
      const namespace = freshNamespace(scope);
      const engine = await start(scope);
      const clients = scope.use(rawClients(engine.address));
      const log = await listen(scope, engine, clients, namespace);
      const exits = await listen(scope, engine, clients, namespace, [
        `namespace==${namespace},topic=="/tasks/exit",event.container_id==r1`,
        'topic~="^/containers/",event.id==r2',
      ]);
      await makeEvents({ engine, clients, namespace, rootfs, log });
      await exits.untilLast("/containers", /ContainerDelete/);
      logs[engine.name] = log;
      logs[`${engine.name} filtered`] = exits;
    };
    await play(startContainerd);
    await play(startBerthd);
  }, 120_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  test("of /namespaces are containerd's, sent in the namespace they are about", () => {
    // containerd 1.6 sends creations and changes in the namespace of the caller's header; later ones, as berthd, in the one changed.
    const expected = logs["containerd"]?.lines("/namespaces") ?? [];
    expect(expected.length).toBe(4);
    expect(logs["berthd"]?.lines("/namespaces")).toEqual(expected.map((line) => line.replace(/^NAMESPACE /, "other ")));
  });

  test.each(PREFIXES)("of %s are containerd's", (prefix) => {
    const expected = logs["containerd"]?.lines(prefix) ?? [];
    expect(expected.length).toBeGreaterThan(1);
    expect(logs["berthd"]?.lines(prefix)).toEqual(expected);
  });

  test("are filtered as containerd filters them", () => {
    const expected = logs["containerd filtered"]?.lines("/") ?? [];
    expect(expected.map((line) => line.split(" ")[1])).toEqual([
      "/tasks/exit",
      "/containers/create",
      "/containers/delete",
    ]);
    expect(logs["berthd filtered"]?.lines("/")).toEqual(expected);
  });

  test("carry the time that their sender gave them", () => {
    for (const name of ["containerd", "berthd"]) {
      const forwarded = logs[name]?.envelopes.find(({ topic }) => topic === "/test/forwarded");
      expect(forwarded?.timestamp).toMatchObject({ seconds: 1_700_000_000n, nanos: 123_456_789 });
    }
  });
});
