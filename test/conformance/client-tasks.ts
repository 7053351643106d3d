// Tasks, as any client steers them: containers of busybox in runc.
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Client } from "../../api/client/index.js";
import { NULL_STDIO } from "../../api/client/index.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { launch } from "../helpers/launch.js";
import { ociProcess } from "../helpers/oci-spec.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";
import { follow } from "./client-events.js";
import type { OpenClient } from "./client-subject.js";
import { failure } from "./failure.js";

const KILL = { signal: 9, all: false };

export function clientTasksConformance(open: OpenClient): void {
  const scope = new DisposeScope();
  let namespace: string;
  let rootfs: string;
  let client: Client;

  beforeAll(async () => {
    namespace = freshNamespace(scope);
    rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
    client = scope.use(open({ namespace }));
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  const run = (id: string, ...args: string[]) => launch({ client, namespace, id, rootfs, args });

  test("stdio, exit status and events", async () => {
    const controller = new AbortController();
    const seen = await follow(client, namespace, controller.signal);
    const task = await run("io", "sh", "-c", "cat; echo err >&2; exit 7");
    const { stdout = Readable.from([]), stderr = Readable.from([]) } = task.streams;
    const output = Promise.all([text(stdout), text(stderr)]);
    task.streams.stdin?.write("in");
    await task.endInput();
    expect((await task.exit).exitStatus).toBe(7);
    expect(await output).toEqual(["in", "err\n"]);
    expect(await client.tasks.get({}, "io", "")).toMatchObject({ status: "stopped", exitStatus: 7 });
    expect((await task.remove()).exitStatus).toBe(7);
    await until("the last event", () => seen.some(({ topic }) => topic === "/containers/delete"));
    expect(seen.map(({ topic }) => topic)).toEqual([
      "/containers/create",
      "/tasks/create",
      "/tasks/start",
      "/tasks/exit",
      "/tasks/delete",
      "/containers/delete",
    ]);
    controller.abort();
  });

  test("exec, pids, pause, resume, metrics, kill, and the refusals between", async () => {
    const task = await run("work", "sleep", "600");
    const { pid } = await client.tasks.get({}, "work", "");
    await client.tasks.exec({}, "work", "e1", { ...NULL_STDIO, spec: ociProcess(["sh", "-c", "exit 3"]) });
    const ended = client.tasks.wait({}, "work", "e1");
    await client.tasks.start({}, "work", "e1");
    expect((await ended).exitStatus).toBe(3);
    expect((await client.tasks.deleteProcess({}, "work", "e1")).exitStatus).toBe(3);
    expect((await client.tasks.pids({}, "work")).map((each) => each.pid)).toEqual([pid]);
    await client.tasks.pause({}, "work");
    expect((await client.tasks.get({}, "work", "")).status).toBe("paused");
    await client.tasks.resume({}, "work");
    expect((await client.tasks.list({})).map(({ containerId, status }) => [containerId, status])).toEqual([
      ["work", "running"],
    ]);
    expect((await client.tasks.metrics({}, ["id==work"])).map(({ id }) => id)).toEqual(["work"]);
    expect(await failure(client.tasks.create({}, "work", { ...NULL_STDIO, rootfs: [] }))).toBe(
      "already_exists: task work: already exists",
    );
    expect(await failure(client.tasks.get({}, "work", "nope"))).toMatch(/^not_found: .*: not found$/);
    expect(await failure(client.tasks.delete({}, "work"))).toBe(
      "unknown: failed to delete task: cannot delete a running process: unknown",
    );
    await client.tasks.kill({}, "work", "", KILL);
    expect((await task.remove()).exitStatus).toBe(137);
    expect(await failure(client.tasks.get({}, "work", ""))).toBe(
      `not_found: container "work" in namespace "${namespace}": not found`,
    );
  });

  test("an abort ends a wait, and the task goes on", async () => {
    const task = await run("waited", "sleep", "600");
    const controller = new AbortController();
    const waiting = failure(client.tasks.wait({ signal: controller.signal }, "waited", ""));
    controller.abort();
    expect(await waiting).toBe("cancelled: context canceled");
    const timeout = client.tasks.wait({ signal: AbortSignal.timeout(50) }, "waited", "");
    expect(await failure(timeout)).toBe("deadline_exceeded: context deadline exceeded");
    expect((await client.tasks.get({}, "waited", "")).status).toBe("running");
    await client.tasks.kill({}, "waited", "", KILL);
    expect((await task.remove()).exitStatus).toBe(137);
  });

  test("what runc refuses is told in its words, and leaves nothing", async () => {
    const id = "bad";
    const refused = await failure(run(id, "/nope"));
    expect(refused).toMatch(/^(unknown|not_found): .*exec: "\/nope": stat \/nope: no such file or directory/);
    expect(await client.tasks.list({})).toEqual([]);
    await client.containers.delete({}, id);
  });
}
