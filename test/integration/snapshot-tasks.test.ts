// Tasks whose root file system is a snapshot: the shim mounts what Prepare answered, and nothing stays mounted afterwards, not
// even when the daemon was killed in between.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/index.js";
import { createSpec } from "../../api/client/spec/create-spec.js";
import type { RequestContext } from "../../api/core/context.js";
import { DisposeScope } from "../../api/core/dispose.js";
import type { Mount, ProcessExit } from "../../api/core/task.js";
import { anyOfJson, SPEC_TYPE } from "../../api/core/typeurl.js";
import { listMountPoints, mount } from "../../runtime/sys/mount.js";
import { heldContext, SNAPSHOTTERS } from "../conformance/snapshot-store.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { mounted } from "../helpers/mounted.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { NO_STDIO } from "../helpers/task-host.js";
import { freshNamespace } from "../helpers/temp.js";
import { PATIENCE_MS } from "../helpers/until.js";

describe.skipIf(requires.root() || requires.binary("runc")).each(SNAPSHOTTERS)("tasks on %s", (snapshotter) => {
  let scope: DisposeScope;
  let daemon: Berthd;
  let client: Client;
  let ctx: RequestContext;

  beforeEach(async () => {
    scope = new DisposeScope();
    const namespace = freshNamespace(scope);
    daemon = await startBerthd(scope);
    client = scope.use(connect({ address: daemon.address }));
    ctx = await heldContext(client.leases, namespace);
  });
  afterEach(() => scope[Symbol.asyncDispose]());

  const store = () => client.snapshots.get(snapshotter);
  const ours = () => listMountPoints().filter((path) => path.startsWith(daemon.dir));

  /** A committed root file system of `count` layers. */
  async function makeBase(count: number): Promise<string> {
    await mounted(await store().prepare(ctx, "key", {}), async (root) => {
      await makeRootfs(join(root, "made"));
      for (const folder of ["bin", "dev", "etc", "proc", "root", "run", "sys", "tmp"]) await mkdir(join(root, folder));
      await writeFile(join(root, "bin/sh"), readFileSync(join(root, "made/bin/busybox")), { mode: 0o755 });
      await writeFile(join(root, "base"), "from the base");
    });
    await store().commit(ctx, "l1", "key");
    for (let index = 2; index <= count; index++) {
      await mounted(await store().prepare(ctx, "key", { parent: `l${index - 1}` }), (root) =>
        writeFileSync(join(root, `layer${index}`), "x"),
      );
      await store().commit(ctx, `l${index}`, "key");
    }
    return `l${count}`;
  }

  /** Creates a container over a snapshot of its own, and its task. */
  async function createTask(id: string, parent: string, script: string): Promise<readonly Mount[]> {
    const rootfs = await store().prepare(ctx, id, { parent });
    const spec = createSpec({ namespace: ctx.namespace ?? "", id, rootfs: "rootfs", args: ["/bin/sh", "-c", script] });
    await client.containers.create(ctx, {
      id,
      runtime: { name: "io.containerd.runc.v2" },
      spec: anyOfJson(SPEC_TYPE, spec),
      snapshotter,
      snapshotKey: id,
    });
    await client.tasks.create(ctx, id, { ...NO_STDIO, rootfs });
    return rootfs;
  }

  async function runToEnd(id: string): Promise<ProcessExit> {
    const exit = client.tasks.wait(ctx, id, "");
    await client.tasks.start(ctx, id, "");
    return await exit;
  }

  test("what a task writes is in its snapshot, and in no other; nothing stays mounted", async () => {
    const base = await makeBase(snapshotter === "native" ? 2 : 60);
    await createTask("one", base, 'read line < /base; echo "$line, changed" > /base; test -e /layer2 && exit 7');
    expect(ours()).toHaveLength(1);
    expect(await runToEnd("one")).toMatchObject({ exitStatus: 7 });
    await client.tasks.delete(ctx, "one");
    expect(ours()).toEqual([]);
    const text = (root: string) => readFileSync(join(root, "base"), "utf8");
    expect(await mounted(await store().mounts(ctx, "one"), text)).toBe("from the base, changed\n");
    expect(await mounted(await store().view(ctx, "look", { parent: base }), text)).toBe("from the base");
    await client.containers.delete(ctx, "one");
    await store().remove(ctx, "one");
  }, 120_000);

  test("a daemon that is killed and comes back knows the mounts of its tasks", async () => {
    const base = await makeBase(1);
    await createTask("one", base, "read line < /tmp/go; exit 3");
    await createTask("two", base, "exit 4");
    await daemon.kill();
    daemon = await daemon.restart();
    await client.ready({ timeoutMs: PATIENCE_MS });
    const found: string[] = [];
    for await (const { kind, subject } of client.doctor.check({}, { repair: false })) {
      if (subject.includes(daemon.dir)) found.push(`${kind} ${subject}`);
    }
    expect(found).toEqual([]);
    expect(ours()).toHaveLength(2);
    expect(await runToEnd("two")).toMatchObject({ exitStatus: 4 });
    await client.tasks.delete(ctx, "two");
    expect(ours()).toHaveLength(1);
    await client.tasks.delete(ctx, "one");
    expect(ours()).toEqual([]);
  });

  test("the doctor takes off a snapshot that no task uses", async () => {
    const base = await makeBase(1);
    const target = join(daemon.stateDir, "io.containerd.runtime.v2.task", ctx.namespace ?? "", "gone", "rootfs");
    await mkdir(target, { recursive: true });
    for (const one of await store().prepare(ctx, "gone", { parent: base })) mount({ ...one, target });
    const repaired: string[] = [];
    for await (const finding of client.doctor.check({}, { repair: true })) {
      if (finding.repaired) repaired.push(finding.kind);
    }
    expect(repaired).toContain("mount-without-task");
    expect(ours()).toEqual([]);
    expect(existsSync(target)).toBe(false);
    expect((await store().stat(ctx, "gone")).kind).toBe("active");
  });
});
