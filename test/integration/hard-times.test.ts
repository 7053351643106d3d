// What happens to a daemon that nobody plans for: folders behind symbolic links, its state folder gone, a stop in the middle of a
// create; and what its log must not tell, whatever goes wrong.
import { mkdir, readdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Any, anyOfJson, PROCESS_TYPE, SPEC_TYPE } from "../../api/core/typeurl.js";
import { failure } from "../conformance/failure.js";
import { type Berthd, runBerthd, startBerthd } from "../helpers/daemon.js";
import { removeEngineLeftovers } from "../helpers/leftovers.js";
import { ociSpec } from "../helpers/oci-spec.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const NO_RUNC = requires.root() || requires.binary("runc") || requires.binary("containerd-shim-runc-v2");
const RUNC = { name: "io.containerd.runc.v2" };
const NO_STDIO = { stdin: "", stdout: "", stderr: "", terminal: false };
const TASK = { ...NO_STDIO, rootfs: [] };

let scope: DisposeScope;
let namespace: string;
let rootfs: string;
beforeEach(async () => {
  scope = new DisposeScope();
  namespace = freshNamespace(scope);
  rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
});
afterEach(() => scope[Symbol.asyncDispose]());

const clientOf = ({ address }: Berthd): Client => scope.use(connect({ address, namespace }));

async function createSleeper(client: Client, id: string): Promise<void> {
  const spec = ociSpec({ args: ["sleep", "600"], rootfs, cgroupsPath: `/${namespace}/${id}` });
  await client.containers.create({}, { id, runtime: RUNC, spec });
}

async function end(client: Client, id: string): Promise<void> {
  await client.tasks.kill({}, id, "", { signal: 9, all: false });
  await client.tasks.wait({}, id, "");
  await client.tasks.delete({}, id);
}

describe.skipIf(NO_RUNC)("folders behind symbolic links", () => {
  test("serve like any other, over a crash too, and have one owner", async () => {
    const dir = await tempDir(scope);
    const real = join(dir, "real");
    for (const name of ["root", "state"]) {
      await mkdir(join(real, name), { recursive: true });
      await symlink(join(real, name), join(dir, name));
    }
    scope.defer(() => removeEngineLeftovers(join(dir, "b.sock"), join(real, "state")));
    let daemon = await startBerthd(scope, { dir });
    const before = clientOf(daemon);
    await createSleeper(before, "c");
    await before.tasks.create({}, "c", TASK);
    await before.tasks.start({}, "c", "");

    const rival = await runBerthd([
      "--root",
      join(real, "root"),
      "--state",
      join(dir, "other"),
      "-a",
      join(dir, "x.sock"),
    ]);
    expect(rival.code).not.toBe(0);
    expect(rival.stderr).toContain("in use");

    await daemon.kill();
    daemon = await daemon.restart();
    const after = clientOf(daemon);
    expect((await after.tasks.get({}, "c", "")).status).toBe("running");
    await end(after, "c");
    // Folders are removed behind the answer.
    const bundles = join(real, "state", "io.containerd.runtime.v2.task", namespace);
    await until("the bundle to be gone", async () => (await readdir(bundles).catch(() => [])).length === 0);
  });

  test("a link that leads nowhere is refused by name", async () => {
    const dir = await tempDir(scope);
    await symlink(join(dir, "nowhere"), join(dir, "root"));
    const { code, stderr } = await runBerthd([
      "--root",
      join(dir, "root"),
      "--state",
      join(dir, "s"),
      "-a",
      join(dir, "x.sock"),
    ]);
    expect(code).not.toBe(0);
    expect(stderr).toContain(join(dir, "root"));
  });
});

describe.skipIf(NO_RUNC)("a state folder that goes away", () => {
  test("takes no record along, says what is missing, and new tasks can be made", async () => {
    const daemon = await startBerthd(scope);
    const client = clientOf(daemon);
    await createSleeper(client, "old");
    await client.tasks.create({}, "old", TASK);
    await client.tasks.start({}, "old", "");
    // A shim that is being started ahead may still be making its files there.
    await until("all of it to be gone", () => rm(daemon.stateDir, { recursive: true, force: true }).then(() => true));

    expect((await client.containers.get({}, "old")).id).toBe("old");
    expect((await client.tasks.get({}, "old", "")).status).toBe("running");
    // The shim's runc writes its log into the bundle, so it can do nothing without one.
    const kill = client.tasks.kill({}, "old", "", { signal: 9, all: false });
    expect(await failure(kill)).toContain("no such file or directory");
    await createSleeper(client, "new");
    await client.tasks.create({}, "new", TASK);
    await client.tasks.start({}, "new", "");
    await end(client, "new");
    expect((await daemon.stop()).code).toBe(0);
  });
});

describe.skipIf(NO_RUNC)("SIGTERM while tasks are being created", () => {
  test("lets each finish or takes it back", async () => {
    let daemon = await startBerthd(scope);
    const before = clientOf(daemon);
    const ids = ["a", "b", "c", "d"];
    for (const id of ids) await createSleeper(before, id);
    const outcomes = Promise.allSettled(ids.map((id) => before.tasks.create({}, id, TASK)));
    await before.version();
    expect((await daemon.stop()).code).toBe(0);
    const created = (await outcomes).flatMap(({ status }, index) => (status === "fulfilled" ? [ids[index]] : []));

    daemon = await daemon.restart();
    const after = clientOf(daemon);
    const there = (await after.tasks.list({})).map(({ containerId }) => containerId);
    expect(there.toSorted()).toEqual(created);
    for (const id of ids) {
      if (!there.includes(id)) await after.tasks.create({}, id, TASK);
      await after.tasks.start({}, id, "");
      await end(after, id);
    }
  });
});

describe.skipIf(NO_RUNC)("the log", () => {
  const SECRET = "s3cr3t-hunter2";
  const PROCESS = { args: ["/no/such/program", SECRET], env: [`TOKEN=${SECRET}`], cwd: "/" };

  /** A spec with the secret in its arguments, its environment and its annotations. */
  function secretSpec(program: readonly string[]): Any {
    const cgroupsPath = `/${namespace}/secret`;
    const { value } = ociSpec({ args: [...program, SECRET], rootfs, cgroupsPath, annotations: { note: SECRET } });
    const spec = JSON.parse(Buffer.from(value).toString());
    return anyOfJson(SPEC_TYPE, { ...spec, process: { ...spec.process, env: PROCESS.env } });
  }

  test("never holds what arguments, an environment, annotations or labels say", async () => {
    const daemon = await startBerthd(scope);
    const client = clientOf(daemon);
    const create = (id: string, spec: Any, labels = { note: SECRET }) =>
      client.containers.create({}, { id, runtime: RUNC, spec, labels });
    await create("c", secretSpec(["/bin/sh", "-c", "sleep 600"]));
    await client.containers.update({}, { id: "c", labels: { more: SECRET } }, ["labels.more"]);
    await client.tasks.create({}, "c", TASK);
    await client.tasks.start({}, "c", "");
    await client.tasks.exec({}, "c", "e", { ...NO_STDIO, spec: anyOfJson(PROCESS_TYPE, PROCESS) });
    await failure(client.tasks.start({}, "c", "e"));
    await end(client, "c");

    for (const [id, spec] of Object.entries({
      program: secretSpec(["/no/such/program"]),
      shape: anyOfJson(SPEC_TYPE, { ociVersion: "1.0.2", root: SECRET, process: { env: [SECRET], args: SECRET } }),
      text: { typeUrl: SPEC_TYPE, value: Buffer.from(`{"process": {"env": ["${SECRET}"`) },
      word: { typeUrl: SPEC_TYPE, value: Buffer.from(SECRET) },
    })) {
      await create(id, spec);
      await failure(client.tasks.create({}, id, TASK));
    }
    await failure(create("l", secretSpec([]), { note: SECRET.repeat(400) }));
    await daemon.stop();
    expect(daemon.log()).toContain("rpc failed");
    expect(linesWith(daemon.log(), SECRET)).toEqual([]);
  });

  const linesWith = (log: string, text: string): string[] => log.split("\n").filter((line) => line.includes(text));
});
