// cp, diff and commit on both daemons and both snapshotters: running, stopped and never started containers, with runc.
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anyOfJson, type Client, connect, type FileChange, importImages, SPEC_TYPE } from "../../api/client/index.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Cli, type CliName, createCli } from "../helpers/cli.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import { busyboxLayer, testImage, testLayer } from "../helpers/image.js";
import { ociArchive } from "../helpers/image-archive.js";
import { islandsOf, makeOddFiles, SPARSE_BYTES } from "../helpers/odd-files.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { fillUp, smallDisk } from "../helpers/small-disk.js";
import { tarOf } from "../helpers/tar.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { describeTree } from "../helpers/tree.js";
import { until } from "../helpers/until.js";

const lacking =
  requires.root() ||
  requires.binary("containerd") ||
  requires.binary("containerd-shim-runc-v2") ||
  requires.binary("runc");
const IMAGE = "example.com/files:1";
const BIG_MS = 60_000;

const engines = [
  ["berthd", "overlayfs", startBerthd],
  ["containerd", "native", startContainerd],
] as const;

describe.skipIf(lacking).each(engines)("on %s with %s", (_, snapshotter, start) => {
  const scope = new DisposeScope();
  let berth: Cli;
  let ctr: Cli;
  let client: Client;
  let dir: string;

  beforeAll(async () => {
    const namespace = freshNamespace(scope);
    dir = await tempDir(scope);
    const engine = await start(scope);
    const cli = (name: CliName): Cli => createCli(name, engine, namespace);
    [berth, ctr] = [cli("berth"), cli("ctr")];
    client = scope.use(connect({ address: engine.address, namespace }));
    const more = testLayer([
      { name: "srv/", type: "5" },
      { name: "srv/kept", body: "kept" },
      { name: "srv/gone", body: "gone" },
      { name: "srv/old/", type: "5" },
      { name: "srv/old/one", body: "1" },
    ]);
    const image = testImage([await busyboxLayer(), more], {
      config: { Cmd: ["/bin/sh"], Env: ["PATH=/bin", "A=1"], Labels: { l: "1" } },
    });
    await importImages(client, {}, Readable.from([ociArchive(image, IMAGE)]), {});
    makeOddFiles(join(dir, "odd"));
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  async function run(id: string, script = "while true; do sleep 100; done"): Promise<void> {
    // Its streams are of no use, and it stays when this client goes.
    const args = ["sh", "-c", script];
    await client.run({ image: IMAGE, id, args, snapshotter, stdio: "ignore", remove: false });
  }

  async function must(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await berth.run(args);
    expect([code, stderr]).toEqual([0, ""]);
    return stdout;
  }

  const into = (path: string, id: string, inside: string) => client.files.copyIn({}, path, id, inside);
  const out = (id: string, inside: string, path: string, keepOwners = false) =>
    client.files.copyOut({}, id, inside, path, { keepOwners });

  async function end(id: string): Promise<void> {
    await client.tasks.kill({}, id, "", { signal: 9, all: false });
    await until("the end", async () => (await client.tasks.get({}, id, "")).status === "stopped");
  }

  async function ownerAndMode(id: string, path: string): Promise<string> {
    await using task = await client.task(id);
    await using process = await task.exec({ args: ["stat", "-c", "%u:%g %a", path] });
    return (await process.output()).stdout.trim();
  }

  /** Others of this host may have something mounted for a moment. */
  const nothingMounted = () =>
    until("no mount", () => !readFileSync("/proc/self/mountinfo", "utf8").includes("berth-files-"));

  async function changes(id: string): Promise<string[]> {
    const all: FileChange[] = [];
    for await (const change of client.files.changes({}, id)) all.push(change);
    return all.map(({ kind, path }) => `${kind} ${path}`);
  }

  test(
    "everything there is goes in and comes out as it was, running and stopped",
    async () => {
      await run("odd");
      await must("cp", "-a", join(dir, "odd"), "odd:/srv/copy");
      expect(await ownerAndMode("odd", "/srv/copy/sub/suid")).toBe("12345:54321 6751");
      await must("cp", "-a", "odd:/srv/copy", join(dir, "running"));
      await end("odd");
      await out("odd", "/srv/copy/.", join(dir, "ended"), true);
      await client.tasks.delete({}, "odd");
      await out("odd", "/srv/copy", join(dir, "stopped"), true);
      const shown = (name: string): string[] => {
        const { size, blocks } = statSync(join(dir, name, "sparse"));
        expect([size, blocks < 1000]).toEqual([SPARSE_BYTES, true]);
        expect(islandsOf(join(dir, name, "sparse"))).toEqual(islandsOf(join(dir, "odd/sparse")));
        rmSync(join(dir, name, "sparse"));
        return describeTree(join(dir, name));
      };
      const sparse = join(dir, "odd/sparse");
      const [running, ended, stopped] = ["running", "ended", "stopped"].map(shown);
      rmSync(sparse);
      const odd = describeTree(join(dir, "odd"));
      expect(running).toEqual(odd);
      expect(ended).toEqual(odd);
      expect(stopped).toEqual(odd);
      await nothingMounted();
    },
    BIG_MS,
  );

  test("a copy is its maker's, and without powers", async () => {
    await run("plain");
    await client.files.copyIn({}, join(dir, "odd/sub/suid"), "plain", "/srv/suid");
    expect(await ownerAndMode("plain", "/srv/suid")).toBe("0:0 751");
    const left: string[] = [];
    await client.files.copyOut({}, "plain", "/dev", join(dir, "devices"), {
      onLeftOut: (path) => void left.push(path),
    });
    expect(left).toContain("devices/null");
    expect(readdirSync(join(dir, "devices"))).not.toContain("null");
  });

  test("a container's links lead nowhere else, and the kernel's files are left alone", async () => {
    await run(
      "links",
      "ln -s /../../../../etc/hostname /srv/up; ln -s /srv /srv/abs; ln -s / /srv/root; while true; do sleep 9; done",
    );
    await until("the links", async () => (await changes("links")).includes("added /srv/root"));
    const missing = await berth.run(["cp", "-L", "links:/srv/up", dir]);
    expect([missing.code, missing.stderr]).toEqual([
      3,
      expect.stringContaining("links:/srv/up: no such file or folder"),
    ]);
    await into(join(dir, "odd/plain"), "links", "/srv/root/../srv/abs/root/tmp/../../../../tmp/through");
    expect(await changes("links")).toContain("added /tmp/through");
    await out("links", "/", join(dir, "whole"));
    expect(readdirSync(join(dir, "whole/proc"))).toEqual([]);
    expect(lstatSync(join(dir, "whole/srv/root")).isSymbolicLink()).toBe(true);
    await expect(out("links", "/proc/sys", join(dir, "sys"))).rejects.toThrow("is what the kernel shows");
    await client.files.unpack({}, "links", "/srv/root", [tarOf({ name: "../../../../../etc/out", body: "x" })]);
    expect(await changes("links")).toContain("added /etc/out");
    await end("links");
  });

  test("archives go through pipes, also from one container to another", async () => {
    const chunks: Uint8Array[] = [];
    await run("one");
    await client.containers.create({}, { id: "two", ...(await freshRecord("two")) });
    for await (const chunk of client.files.archive({}, "one", "/srv")) chunks.push(chunk);
    const listed = execFileSync("tar", ["-t"], { input: Buffer.concat(chunks) }).toString();
    expect(listed).toBe("srv/\nsrv/gone\nsrv/kept\nsrv/old/\nsrv/old/one\n");
    await client.files.unpack({}, "two", "/tmp", chunks);
    expect(await changes("two")).toEqual([
      "changed /tmp",
      ...listed
        .trim()
        .split("\n")
        .map((name) => `added /tmp/${name.replace(/\/$/, "")}`),
    ]);
    await expect(client.files.unpack({}, "two", "/srv/kept", chunks)).rejects.toMatchObject({
      kind: "failed_precondition",
    });
    await expect(client.files.unpack({}, "two", "/none", chunks)).rejects.toMatchObject({ kind: "not_found" });
    await nothingMounted();
  });

  /** A container that has never run. */
  async function freshRecord(key: string): Promise<{
    snapshotKey: string;
    snapshotter: string;
    runtime: { name: string };
    spec: { typeUrl: string; value: Buffer };
  }> {
    const { spec, snapshotKey } = await client.containers.get({}, "one");
    const { parent } = await client.snapshots.get(snapshotter).stat({}, snapshotKey);
    await client.snapshots.get(snapshotter).prepare({}, key, { parent });
    return {
      snapshotKey: key,
      snapshotter,
      runtime: { name: "io.containerd.runc.v2" },
      spec: { typeUrl: spec.typeUrl, value: Buffer.from(spec.value) },
    };
  }

  const CHANGED = [
    "changed /srv",
    "deleted /srv/gone",
    "changed /srv/kept",
    "added /srv/new",
    "added /srv/new/file",
    "changed /srv/old",
    "deleted /srv/old/one",
    "added /srv/old/two",
  ];

  test("what has changed is told, and becomes an image that runs", async () => {
    const script =
      "cd /srv; rm gone; echo more >> kept; mkdir new; touch new/file; rm -r old; mkdir old; touch old/two; sleep 1000";
    await run("changed", script);
    const ofSrv = async (): Promise<string[]> => (await changes("changed")).filter((line) => / \/srv/.test(line));
    await until("the changes", async () => (await ofSrv()).includes("added /srv/old/two"));
    expect(await ofSrv()).toEqual(CHANGED);
    expect(await must("diff", "changed")).toContain("C /srv\nD /srv/gone\n");

    const change = ["-c", 'CMD ["/bin/cat", "/srv/kept"]', "-c", "ENV B=2", "-c", "LABEL m=2"];
    const digest = await must(
      "commit",
      ...change,
      "--author",
      "somebody",
      "-m",
      "why",
      "changed",
      "example.com/files:2",
    );
    const image = await client.images.get({}, "example.com/files:2");
    expect(image.target.digest).toBe(digest.trim());
    expect((await client.tasks.get({}, "changed", "")).status).toBe("running");
    await end("changed");
    expect(await ofSrv()).toEqual(CHANGED);

    const runArgs = (id: string): string[] => ["run", "--rm", "--snapshotter", snapshotter, "example.com/files:2", id];
    const again = await berth.run(runArgs("again"));
    expect([again.code, again.stdout, again.stderr]).toEqual([0, "keptmore\n", ""]);
    const seen = await ctr.run([...runArgs("seen"), "sh", "-c", "echo $A$B; cd /srv; ls . old new"]);
    expect(seen.stdout).toBe("12\n.:\nkept\nnew\nold\n\nnew:\nfile\n\nold:\ntwo\n");
    expect((await client.leases.list({})).length).toBe(0);
  });

  test("what cannot be committed or compared says why", async () => {
    const spec = anyOfJson(SPEC_TYPE, { root: { path: "rootfs" } });
    await client.containers.create({}, { id: "bare", spec, runtime: { name: "io.containerd.runc.v2" } });
    const why = 'container "bare" was not made from an image';
    await expect(changes("bare")).rejects.toThrow(why);
    await expect(client.files.commit({}, "bare", "x")).rejects.toThrow(why);
    await expect(out("bare", "/x", dir)).rejects.toThrow("has no files of its own");
    await expect(out("nobody", "/x", dir)).rejects.toMatchObject({ kind: "not_found" });
  });

  test("a full disk and a signal leave nothing behind", async () => {
    await run("ends");
    const disk = await smallDisk(scope, 8 * 1024 * 1024);
    fillUp(disk);
    rmSync(join(disk, "ballast"));
    writeFileSync(join(disk, "ballast"), Buffer.alloc(5 * 1024 * 1024, 1));
    mkdirSync(join(dir, "large/a"), { recursive: true });
    writeFileSync(join(dir, "large/a/small"), "small");
    writeFileSync(join(dir, "large/big"), Buffer.alloc(6 * 1024 * 1024, 7));
    await into(join(dir, "large"), "ends", "/srv/large");
    const full = await berth.run(["cp", "ends:/srv/large", disk]);
    expect([full.code, full.stderr]).toEqual([1, expect.stringMatching(/ENOSPC.*resource exhausted/)]);
    expect(readdirSync(disk).sort()).toEqual(["ballast", "lost+found"]);

    const archive = tarOf(
      { name: "in/", type: "5" },
      { name: "in/a", body: "a" },
      { name: "in/b", body: "b".repeat(100_000) },
    );
    const program = await berth.start(["cp", "-", "ends:/srv"]);
    program.write(archive.subarray(0, 50_000).toString("latin1"));
    await until("the first file", async () => (await changes("ends")).includes("added /srv/in/a"));
    program.signal("SIGINT");
    expect((await program.result).code).toBe(130);
    expect((await changes("ends")).filter((line) => line.includes("/srv/in"))).toEqual([]);
    await nothingMounted();
  });

  test("a folder with a plain root and a file that something is mounted on", async () => {
    const rootfs = join(dir, "rootfs");
    await makeRootfs(rootfs);
    writeFileSync(join(dir, "hosts"), "mounted");
    writeFileSync(join(rootfs, "etc/hosts"), "");
    mkdirSync(join(rootfs, "srv"));
    symlinkSync("/etc", join(rootfs, "srv/etc"));
    const mounts = [{ type: "bind", source: join(dir, "hosts"), destination: "/etc/hosts", options: ["bind", "rw"] }];
    await client.run({ rootfs, id: "folder", args: ["sleep", "1000"], mounts, stdio: "ignore", remove: false });
    await into(join(dir, "odd/plain"), "folder", "/srv/etc/hosts");
    expect(readFileSync(join(dir, "hosts"), "utf8")).toBe("plain\n");
    expect(readFileSync(join(rootfs, "etc/hosts"), "utf8")).toBe("");
    expect(readdirSync(join(rootfs, "etc")).filter((name) => name.startsWith(".berth"))).toEqual([]);
    await end("folder");
    await into(join(dir, "odd/plain"), "folder", "/srv/etc/other");
    expect(readFileSync(join(rootfs, "etc/other"), "utf8")).toBe("plain\n");
  });
});
