// What is particular to the shim that has all tasks of a namespace: starts at the same time, the ends of daemon and shim, what stays.
import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import type { RequestContext } from "../../api/core/context.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { pidsWithArgument, taskShimPid } from "../helpers/leftovers.js";
import { ociProcess } from "../helpers/oci-spec.js";
import { PROCESS_RUNTIME, PROCESS_SHIM, processShimFolder, processSpec, withFolder } from "../helpers/process-shim.js";
import { runProgram } from "../helpers/program.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const NO_STDIO = { stdin: "", stdout: "", stderr: "", terminal: false, rootfs: [] };
const BOUND = { "berth.io/lifetime": "daemon" };
const FOREVER = ["sleep", "1000"];

describe("process tasks", () => {
  const suite = new DisposeScope();
  let folder: string;
  beforeAll(async () => {
    folder = await processShimFolder(suite);
  });
  afterAll(() => suite[Symbol.asyncDispose]());

  interface World {
    daemon: Berthd;
    client: Client;
    readonly namespace: string;
    readonly ctx: RequestContext;
  }
  let scope: DisposeScope;
  let world: World;
  beforeEach(async (context) => {
    scope = new DisposeScope();
    context.onTestFinished(() => scope[Symbol.asyncDispose]());
    const namespace = freshNamespace(scope);
    const daemon = await startBerthd(scope, { env: withFolder(folder) });
    world = { daemon, client: connectTo(daemon, namespace), namespace, ctx: { namespace } };
  });

  function connectTo(daemon: Berthd, namespace: string): Client {
    return scope.use(connect({ address: daemon.address, namespace }));
  }
  async function restarted(): Promise<void> {
    await world.client[Symbol.asyncDispose]();
    world.daemon = await world.daemon.restart();
    world.client = connectTo(world.daemon, world.namespace);
  }
  async function create(
    id: string,
    args: readonly string[],
    annotations: Record<string, string> = {},
  ): Promise<number> {
    const { client, ctx } = world;
    const spec = processSpec(args, { annotations });
    await client.containers.create(ctx, { id, runtime: { name: PROCESS_RUNTIME }, spec });
    return (await client.tasks.create(ctx, id, NO_STDIO)).pid;
  }
  async function running(id: string, args = FOREVER, annotations: Record<string, string> = {}): Promise<number> {
    const pid = await create(id, args, annotations);
    await world.client.tasks.start(world.ctx, id, "");
    return pid;
  }
  const keeperOf = (id: string): Promise<number> => taskShimPid(world.daemon.stateDir, world.namespace, id);
  const shims = async (): Promise<number[]> => await pidsWithArgument(world.namespace);

  test("tasks that are made at once share one shim", async () => {
    const ids = Array.from({ length: 8 }, (_, index) => `t${index}`);
    await Promise.all(ids.map((id) => running(id)));
    expect(new Set(await Promise.all(ids.map(keeperOf)))).toHaveProperty("size", 1);
    expect(await shims()).toHaveLength(1);
  });

  test("starts at the same time bring up one shim", async () => {
    const dir = await tempDir(scope);
    const { namespace } = world;
    const args = ["-namespace", namespace, "-address", join(dir, "d.sock"), "-publish-binary", "/usr/bin/true"];
    const starts = ["a", "b", "c", "d", "e", "f"].map(async (id) => {
      const bundle = await tempDir(scope);
      const result = await runProgram(join(folder, PROCESS_SHIM), [...args, "-id", id, "start"], { cwd: bundle });
      expect(result).toMatchObject({ code: 0, stderr: "" });
      expect(await readFile(join(bundle, "address"), "utf8")).toBe(result.stdout);
      return result.stdout;
    });
    const [address = "", ...others] = new Set(await Promise.all(starts));
    expect(others).toEqual([]);
    expect(await shims()).toHaveLength(1);
    // Nobody dials it, so it ends, and leaves nothing.
    await until("the shim to end", async () => (await shims()).length === 0);
    const path = address.slice("unix://".length);
    expect((await readdir(join(path, ".."))).filter((name) => path.includes(name))).toEqual([]);
  });

  test("a daemon that stops lets go of a shim with tasks and ends one without", async () => {
    await running("t");
    const keeper = await keeperOf("t");
    await world.daemon.stop();
    await restarted();
    expect(await world.client.tasks.get(world.ctx, "t", "")).toMatchObject({ status: "running" });
    expect(await keeperOf("t")).toBe(keeper);
    await world.client.tasks.kill(world.ctx, "t", "", { signal: 9, all: true });
    await world.client.tasks.wait(world.ctx, "t", "");
    await world.client.tasks.delete(world.ctx, "t");
    await world.daemon.stop();
    // Its socket is gone by now; the process may need a moment to end.
    await until("the shim to end", async () => (await shims()).length === 0);
  });

  test("a daemon that is killed finds its tasks again, and how those ended that did meanwhile", async () => {
    await running("stays");
    const ends = await running("ends");
    await world.daemon.kill();
    process.kill(ends, "SIGTERM");
    await restarted();
    expect(await world.client.tasks.wait(world.ctx, "ends", "")).toMatchObject({ exitStatus: 143 });
    expect(await world.client.tasks.get(world.ctx, "stays", "")).toMatchObject({ status: "running" });
    await running("new");
    expect(await shims()).toHaveLength(1);
  });

  test("tasks that are bound to the daemon end when it is killed, at once, and the others go on", async () => {
    const [bound, free] = [await running("bound", FOREVER, BOUND), await running("free")];
    await world.daemon.kill();
    await until("the task to be killed", () => isOver(bound));
    expect(await isOver(free)).toBe(false);
    await restarted();
    expect(await world.client.tasks.get(world.ctx, "bound", "")).toMatchObject({ status: "stopped", exitStatus: 137 });
    expect(await world.client.tasks.get(world.ctx, "free", "")).toMatchObject({ status: "running" });
  });

  test("a shim that is killed with many tasks takes them along, each told once, and the next task runs", async () => {
    const ids = Array.from({ length: 20 }, (_, index) => `t${index}`);
    const pids = await Promise.all(ids.map((id) => running(id)));
    const waiting = ids.map((id) => world.client.tasks.wait(world.ctx, id, ""));
    process.kill(await keeperOf("t0"), "SIGKILL");
    const statuses = new Set((await Promise.all(waiting)).map(({ exitStatus }) => exitStatus));
    expect([...statuses]).toEqual([137]);
    await until("all to be gone", async () => (await world.client.tasks.list(world.ctx)).length === 0);
    expect(await Promise.all(pids.map(isOver))).toEqual(pids.map(() => true));
    await running("next");
    expect(await world.client.tasks.get(world.ctx, "next", "")).toMatchObject({ status: "running" });
  });

  test("a shim with tasks does not heed a stop", async () => {
    await running("t");
    process.kill(await keeperOf("t"), "SIGTERM");
    await world.client.tasks.exec(world.ctx, "t", "e", { ...NO_STDIO, spec: ociProcess(["true"]) });
    await world.client.tasks.start(world.ctx, "t", "e");
    expect(await world.client.tasks.wait(world.ctx, "t", "e")).toMatchObject({ exitStatus: 0 });
  });

  test("a thousand short tasks: every status is right, and the shim is what it was before", async () => {
    const one = async (index: number): Promise<number> => {
      const id = `t${index}`;
      const { client, ctx } = world;
      await create(id, ["sh", "-c", `exit ${index % 200}`]);
      const exit = client.tasks.wait(ctx, id, "");
      await client.tasks.start(ctx, id, "");
      const { exitStatus } = await exit;
      await client.tasks.delete(ctx, id);
      await client.containers.delete(ctx, id);
      return exitStatus;
    };
    const batch = async (from: number, count: number): Promise<void> => {
      let next = from;
      const worker = async (): Promise<void> => {
        for (let index = next++; index < from + count; index = next++) expect(await one(index)).toBe(index % 200);
      };
      await Promise.all(Array.from({ length: 4 }, worker));
    };
    await create("keeper", FOREVER);
    const keeper = await keeperOf("keeper");
    await batch(0, 200);
    const before = await measure(keeper);
    await batch(200, 1000);
    const after = await measure(keeper);
    expect(after.descriptors).toEqual(before.descriptors);
    expect(await childrenOf(keeper)).toHaveLength(1);
    expect(after.residentBytes - before.residentBytes).toBeLessThan(MAX_GROWTH_BYTES);
  }, 300_000);
});

/** Twenty KiB a task. V8 gives its heap more room before it looks through all of it; at 2,000 tasks it has stopped growing. */
const MAX_GROWTH_BYTES = 20 << 20;

/** Whether it has ended: it is gone, or waits to be asked how. */
async function isOver(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return ["", "Z", "X"].includes(stat.slice(stat.lastIndexOf(")") + 2)[0] ?? "");
}

async function childrenOf(pid: number): Promise<string[]> {
  return (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).split(" ").filter((child) => child !== "");
}

async function measure(pid: number): Promise<{ descriptors: string[]; residentBytes: number }> {
  const names = await readdir(`/proc/${pid}/fd`);
  const links = await Promise.all(names.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => "gone")));
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  // Numbers of sockets and pipes differ; what they are does not.
  const descriptors = links.map((target) => target.replace(/\d+/g, "N")).sort();
  return { descriptors, residentBytes: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1024 };
}
