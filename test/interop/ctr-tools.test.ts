// What `ctr` has beside its everyday nouns, in the hands of `berth` on both daemons: flags that isolate, CNI, checkpoints, install, shims and
// profiles. Where `ctr` can do the same, it did it first, and what it made is compared.
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Cli, createCli } from "../helpers/cli.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import type { Engine } from "../helpers/engine.js";
import { busyboxLayer, testImage, testLayer } from "../helpers/image.js";
import { ociArchive } from "../helpers/image-archive.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";

const lacking = requires.containerd() || requires.binary("ctr");
const APP = "example.com/app:1";
const TOOLS = "example.com/tools:1";
const DAEMONS = ["containerd", "berthd"] as const;

describe.skipIf(lacking)("what ctr has besides", () => {
  const scope = new DisposeScope();
  const engines = new Map<string, Engine>();
  let dir: string;
  let rootfs: string;
  let namespace: string;

  const cli = (daemon: string, client: "ctr" | "berth" = "berth"): Cli => {
    const engine = engines.get(daemon);
    if (engine === undefined) throw new Error(`${daemon} is not there`);
    return createCli(client, engine, namespace);
  };
  const must = async (
    client: Cli,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<string> => {
    const { code, stdout, stderr } = await client.run(args, { env });
    if (code !== 0) throw new Error(`${client.name} ${args.join(" ")} ended with ${code}: ${stderr}`);
    return stdout;
  };

  beforeAll(async () => {
    dir = await tempDir(scope);
    namespace = freshNamespace(scope);
    rootfs = await makeRootfs(join(dir, "rootfs"));
    const debug = `[debug]\n  address = "${dir}/debug.sock"\n`;
    const started = await Promise.all([startContainerd(scope, debug), startBerthd(scope)]);
    for (const engine of started) engines.set(engine.name, engine);
    const tools = testLayer(
      [
        { name: "bin/", type: "5" },
        { name: "bin/tool", body: "#!/bin/sh\necho tool\n", mode: 0o755 },
        { name: "bin/alias", type: "2", linkName: "tool" },
        { name: "lib/libtool.so", body: "library", mode: 0o644 },
        { name: "etc/passwd", body: "root", mode: 0o644 },
      ],
      "gzip",
    );
    await writeFile(join(dir, "app.tar"), ociArchive(testImage([await busyboxLayer("plain")]), APP));
    await writeFile(join(dir, "tools.tar"), ociArchive(testImage([tools]), TOOLS));
    await Promise.all(
      DAEMONS.map(async (daemon) => {
        await must(cli(daemon), ["images", "import", join(dir, "app.tar")]);
        await must(cli(daemon), ["images", "import", "--no-unpack", join(dir, "tools.tar")]);
      }),
    );
  }, 240_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  const isolating = ["--rdt-class", "gold", "--apparmor-profile", "some-profile"];
  test.each([
    [["--seccomp", ...isolating]],
    [["--seccomp", "--cap-add", "CAP_SYS_ADMIN", "--cap-add", "CAP_SYS_PTRACE", "--cap-add", "CAP_BPF"]],
  ])("%s makes the spec that ctr makes", async (flags) => {
    const specs: unknown[] = [];
    for (const client of ["ctr", "berth"] as const) {
      const own = cli("containerd", client);
      await must(own, ["c", "create", ...flags, "--rootfs", rootfs, "spec", "/bin/sh"]);
      const { linux, process } = JSON.parse(await must(own, ["c", "info", "--spec", "spec"]));
      const { seccomp, intelRdt } = linux;
      specs.push({ seccomp, intelRdt, apparmorProfile: process.apparmorProfile, capabilities: process.capabilities });
      await must(own, ["c", "rm", "spec"]);
    }
    expect(specs[1]).toEqual(specs[0]);
  });

  test.each(DAEMONS)("a container of %s has a network by CNI, and gives its address back", async (daemon) => {
    await using own = new DisposeScope();
    const port = await greeting(own, "from the host");
    const net = 16 + (process.pid % 200);
    const leases = join(dir, `leases-${daemon}`);
    const configs = join(dir, `net-${daemon}`);
    await mkdir(configs);
    const ipam = { type: "host-local", dataDir: leases, ranges: [[{ subnet: `10.231.${net}.0/24` }]] };
    const network = {
      cniVersion: "0.4.0",
      name: `${namespace}-net`,
      plugins: [{ type: "ptp", ipam }, { type: "tuning" }],
    };
    await writeFile(join(configs, "10-test.conflist"), JSON.stringify(network));
    const env = { NETCONFPATH: configs };
    const held = async (): Promise<string[]> =>
      (await readdir(join(leases, `${namespace}-net`))).filter((name) => name.startsWith("10."));
    const asks = ["/bin/nc", `10.231.${net}.1`, String(port)];

    expect(await must(cli(daemon), ["run", "--rm", "--cni", "--rootfs", rootfs, "asks", ...asks], env)).toBe(
      "from the host\n",
    );
    expect(await held()).toEqual([]);

    await must(
      cli(daemon),
      ["run", "-d", "--null-io", "--cni", "--rootfs", rootfs, "stays", "/bin/sleep", "1000"],
      env,
    );
    own.defer(() => cli(daemon).run(["tasks", "rm", "-f", "stays"]));
    expect(await held()).toHaveLength(1);
    expect(await must(cli(daemon), ["tasks", "exec", "stays", ...asks])).toBe("from the host\n");
    await cli(daemon).run(["tasks", "rm", "-f", "stays"]);
    expect(await held()).toEqual([]);
    await must(cli(daemon), ["c", "rm", "stays"]);

    const broken = { ...network, plugins: [...network.plugins, { type: "no-such-plugin" }] };
    await writeFile(join(configs, "10-test.conflist"), JSON.stringify(broken));
    const { code, stderr } = await cli(daemon).run(["run", "--cni", "--rootfs", rootfs, "fails", "/bin/true"], { env });
    expect({ code, stderr }).toEqual({ code: 125, stderr: expect.stringMatching(/plugin "no-such-plugin" is not in/) });
    expect(await held()).toEqual([]);
    expect(await must(cli(daemon), ["c", "ls", "-q"])).toBe("");
  });

  test.each(DAEMONS)("a container of %s is made anew from its checkpoint", async (daemon) => {
    const berth = cli(daemon);
    const writes = ["/bin/sh", "-c", "echo kept > /kept; exec sleep 1000"];
    await must(berth, ["run", "-d", "--null-io", APP, "first", ...writes]);
    await must(berth, ["c", "checkpoint", "--rw", "--image", "first", "example.com/saved:1"]);
    expect(await must(berth, ["tasks", "ls"])).toMatch(/first +\d+ +RUNNING/);
    // There is no CRIU on this host; what is left out then is told, and the task goes on.
    const { code, stderr } = await berth.run(["c", "checkpoint", "--task", "first", "example.com/saved:2"]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(daemon === "berthd" ? /without an image path: not implemented/ : /criu/i);
    expect(await must(berth, ["tasks", "ls"])).toMatch(/first +\d+ +RUNNING/);

    // ctr restores from it, too, which it cannot from its own without --task.
    for (const [client, id] of [
      ["berth", "second"],
      ["ctr", "third"],
    ] as const) {
      await must(cli(daemon, client), ["c", "restore", "--rw", id, "example.com/saved:1"]);
      expect(await must(berth, ["tasks", "exec", id, "/bin/cat", "/kept"])).toBe("kept\n");
    }
    expect((await berth.run(["c", "restore", "second", "example.com/saved:1"])).code).toBe(4);
    expect((await berth.run(["c", "restore", "--live", "fourth", "example.com/saved:1"])).stderr).toMatch(/not found/);
    for (const id of ["first", "second", "third"]) {
      await berth.run(["tasks", "rm", "-f", id]);
      await must(berth, ["c", "rm", id]);
    }
    expect(await must(berth, ["snapshots", "ls"])).not.toMatch(/Active/);
  });

  test.each(DAEMONS)("programs of an image are installed where %s looks for them", async (daemon) => {
    const berth = cli(daemon);
    for (const client of ["ctr", "berth"] as const) {
      const path = join(dir, `opt-${daemon}-${client}`);
      await mkdir(path);
      await must(cli(daemon, client), ["install", "--libs", "--path", path, TOOLS]);
      expect((await readdir(path, { recursive: true })).sort()).toEqual([
        ...["bin", "bin/alias", "bin/tool", "lib", "lib/libtool.so"],
      ]);
      expect((await stat(join(path, "bin/tool"))).mode & 0o7777).toBe(0o755);
      expect(await readFile(join(path, "bin/alias"), "utf8")).toMatch(/echo tool/);
      const again = await cli(daemon, client).run(["install", "--path", path, TOOLS]);
      expect(again.stderr).toMatch(/cannot replace bin\//);
      await must(cli(daemon, client), ["install", "--replace", "--path", path, TOOLS]);
    }
    await must(berth, ["install", TOOLS]);
    const [, folder = ""] = /path\s+(\S+)/.exec(await must(berth, ["plugins", "ls", "-d", "id==opt"])) ?? [];
    expect(await readdir(join(folder, "bin"))).toEqual(["alias", "tool"]);
  });

  test.each(DAEMONS)("a shim of %s is spoken to past the daemon", async (daemon) => {
    const berth = cli(daemon);
    // The first one of a namespace has a shim of its own, the second one may get one that was started ahead.
    for (const id of ["one", "two"])
      await must(berth, ["run", "-d", "--null-io", "--rootfs", rootfs, id, "/bin/sleep", "1000"]);
    const [one, two] = await Promise.all(
      ["one", "two"].map(async (id) => JSON.parse(await must(berth, ["shim", "--id", id, "state"]))),
    );
    expect(one).toMatchObject({ id: "one", status: 2, pid: expect.any(Number) });
    expect(two).toMatchObject({ id: "two", status: 2, pid: expect.any(Number) });
    const attached = await berth.run(
      ["shim", "--id", "two", "exec", "-a", "-e", "A=5", "look", "/bin/sh", "-c", 'cat; echo "$A"; exit 7'],
      { input: "in\n" },
    );
    expect(attached).toMatchObject({ code: 7, stdout: "in\n5\n" });
    await writeFile(join(dir, "process.json"), JSON.stringify({ args: ["/bin/sleep", "1000"], cwd: "/" }));
    expect(await must(berth, ["shim", "--id", "one", "exec", "--spec", join(dir, "process.json"), "job"])).toMatch(
      /running with pid \d+/,
    );
    expect((await berth.run(["shim", "--id", "one", "delete", "job"])).code).not.toBe(0);
    expect((await berth.run(["shim", "--id", "nobody", "state"])).code).toBe(3);
    for (const id of ["one", "two"]) {
      await berth.run(["tasks", "rm", "-f", id]);
      await must(berth, ["c", "rm", id]);
    }
  });

  test("berthd is profiled by its API, containerd by its debug socket", async () => {
    const file = join(dir, "berthd.cpuprofile");
    await must(cli("berthd"), ["debug", "profile", "-s", "200ms", "-o", file]);
    expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ nodes: expect.any(Array) });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await must(cli("berthd"), ["pprof", "goroutines"]))).toMatchObject({ libuv: expect.any(Array) });
    const { traceEvents } = JSON.parse(await must(cli("berthd"), ["debug", "trace", "-s", "100ms"]));
    expect(traceEvents).toEqual(expect.any(Array));
    const { code, stderr } = await cli("containerd").run(["debug", "block"]);
    expect({ code, stderr }).toMatchObject({ code: 7, stderr: expect.stringMatching(/by berthd only/) });
    const go = ["pprof", "--debug-socket", join(dir, "debug.sock"), "goroutines"];
    for (const client of ["ctr", "berth"] as const) {
      expect(await must(cli("containerd", client), go)).toMatch(/^goroutine \d+ \[/);
    }
    expect((await cli("containerd").run(["pprof", "-d", join(dir, "nobody.sock"), "heap"])).code).toBe(6);
  });
});

/** A server of the host that says one line to whoever comes; its port. */
async function greeting(scope: DisposeScope, line: string): Promise<number> {
  const server = createServer((socket) => socket.end(`${line}\n`));
  await new Promise<void>((resolve) => server.listen(0, resolve));
  scope.defer(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
