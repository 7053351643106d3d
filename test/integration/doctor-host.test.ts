// The doctor on what the host offers and what lies about on it: programs, disks, engines that do not answer, and what bridges, clients and
// network plugins have left.
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import { DisposeScope } from "../../api/core/dispose.js";
import type { Discovery, Finding } from "../../api/core/doctor.js";
import { anyOfJson, SPEC_TYPE } from "../../api/core/typeurl.js";
import { examineDisks } from "../../runtime/doctor/fitness.js";
import { mount, unmount } from "../../runtime/sys/mount.js";
import { createCli } from "../helpers/cli.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { requires } from "../helpers/requires.js";
import { fillUp, smallDisk } from "../helpers/small-disk.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";

const DOCKER = "io.berth.docker.v1";
const CNI_RESULTS = "/var/lib/cni/results";

describe.skipIf(requires.root())("the doctor on the host", () => {
  const scope = new DisposeScope();
  let namespace: string;
  let daemon: Berthd;
  let client: Client;
  let engine: string;

  beforeAll(async () => {
    namespace = freshNamespace(scope);
    engine = `unix://${join(await tempDir(scope), "docker.sock")}`;
    daemon = await startBerthd(scope, { env: { DOCKER_HOST: engine } });
    client = scope.use(connect({ address: daemon.address, namespace }));
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  /** What is found of some kinds. */
  async function check(kinds: readonly string[], repair = false): Promise<Finding[]> {
    const found: Finding[] = [];
    for await (const finding of client.doctor.check({}, { repair })) {
      if (kinds.includes(finding.kind)) found.push(finding);
    }
    return found;
  }
  const makeRecord = (id: string, rest: { runtime?: string; snapshotter?: string; snapshotKey?: string } = {}) =>
    client.containers.create(
      {},
      {
        ...rest,
        id,
        runtime: { name: rest.runtime ?? "io.containerd.runc.v2" },
        spec: anyOfJson(SPEC_TYPE, {}),
      },
    );

  test("says which containers want a runtime or a snapshot that is not there", async () => {
    await makeRecord("lost", { snapshotter: "native", snapshotKey: "gone" });
    await makeRecord("strange", { snapshotter: "zfs", snapshotKey: "some" });
    await makeRecord("one", { runtime: "io.nobody.thing.v1" });
    await makeRecord("two", { runtime: "io.nobody.thing.v1" });
    const expected = [
      { namespace, subject: "lost", detail: "snapshotter native has no snapshot gone", isProblem: true },
      { namespace, subject: "strange", detail: "snapshotter zfs is not at work here", isProblem: true },
      {
        namespace: "",
        subject: "io.nobody.thing.v1",
        detail: expect.stringMatching(/"containerd-shim-thing-v1".*; 2 containers ask for it$/),
        isProblem: true,
      },
    ];
    const found = await check(["container-without-snapshot", "runtime-missing"]);
    expect(found).toEqual(expected.map((one) => expect.objectContaining({ ...one, repairable: false })));
  });

  test("says that an engine does not answer, once it has been wanted, and leaves alone what it would have to be asked for", async () => {
    const kinds = ["engine-unreachable", "bundle-without-task"];
    expect(await check(kinds)).toEqual([]);
    const wanted = await createCli("berth", daemon, namespace).run([
      "run",
      "--runtime",
      DOCKER,
      "busybox",
      "box",
      "true",
    ]);
    expect(wanted.stderr).toContain(engine);
    const bundle = join(daemon.stateDir, DOCKER, namespace, "left");
    await mkdir(bundle, { recursive: true });
    for (const repair of [false, true]) {
      expect(await check(kinds, repair)).toMatchObject([
        { kind: kinds[0], subject: engine, isProblem: false, detail: expect.stringMatching(/; no task needs it now$/) },
        {
          kind: kinds[1],
          subject: bundle,
          isProblem: true,
          repairable: false,
          detail: expect.stringContaining("cannot"),
        },
      ]);
    }
    await rm(bundle, { recursive: true });
  });

  test("takes away the socket of a bridge that was killed", async () => {
    const path = join(daemon.stateDir, DOCKER, "bridge.sock");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(`${path}.new`, () => resolve()));
    await rename(`${path}.new`, path);
    expect(await check(["stale-socket"])).toEqual([]);
    await new Promise<void>((resolve) => server.close(() => resolve()));
    expect(await check(["stale-socket"])).toMatchObject([{ subject: path, repairable: true, repaired: false }]);
    expect(await check(["stale-socket"], true)).toMatchObject([{ subject: path, repaired: true }]);
    expect(await check(["stale-socket"])).toEqual([]);
  });

  test("tells of mounts of clients and of networks without a task, and leaves them", async () => {
    const target = await mkdtemp(join(tmpdir(), "berth-files-"));
    scope.defer(() => rm(target, { recursive: true }));
    mount({ type: "tmpfs", source: "none", target, options: ["size=64k"] });
    scope.defer(() => unmount(target, { detach: true }));
    await mkdir(CNI_RESULTS, { recursive: true });
    const result = join(CNI_RESULTS, `test-${namespace}-left-eth0`);
    await writeFile(
      result,
      JSON.stringify({ kind: "cniCacheV1", containerId: `${namespace}-left`, networkName: "test", ifName: "eth0" }),
    );
    scope.defer(() => rm(result));
    for (const repair of [false, true]) {
      const found = await check(["mount-of-client", "network-without-task"], repair);
      // Others may look into their containers' files now.
      expect(found.filter(({ kind, subject }) => kind !== "mount-of-client" || subject === target)).toMatchObject([
        { subject: target, isProblem: false, repairable: false },
        {
          namespace,
          subject: result,
          isProblem: false,
          repairable: false,
          detail: expect.stringMatching(/^network test .* left,/),
        },
      ]);
    }
  });

  test("says how full a disk is", async () => {
    const looks = async (folder: string): Promise<Discovery[]> => {
      const found: Discovery[] = [];
      for await (const one of examineDisks({ rootDir: folder, stateDir: folder })) found.push(one);
      return found;
    };
    const disk = await smallDisk(scope, 48 * 1024 * 1024);
    expect(await looks(disk)).toEqual([]);
    fillUp(disk);
    expect(await looks(disk)).toMatchObject([
      { kind: "disk-full", subject: disk, isProblem: true, detail: expect.stringMatching(/^0 of \d+ MiB are free/) },
    ]);
  });
});
