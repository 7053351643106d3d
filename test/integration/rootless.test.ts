// Berth without root: a daemon of an ordinary user, where it puts its things, what it runs, what it unpacks, what it says of rights
// that are missing.
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { getXattr } from "../../runtime/sys/xattr.js";
import { testImage, testLayer } from "../helpers/image.js";
import { ociArchive } from "../helpers/image-archive.js";
import { removeEngineLeftovers } from "../helpers/leftovers.js";
import { type OrdinaryUser, ordinaryUser } from "../helpers/ordinary-user.js";
import type { ProgramResult } from "../helpers/program.js";
import { Hopeless, until } from "../helpers/until.js";

let scope: DisposeScope;
let user: OrdinaryUser;
beforeEach(async () => {
  scope = new DisposeScope();
  user = await ordinaryUser(scope);
});
afterEach(() => scope[Symbol.asyncDispose]());

/** Starts berthd without a flag and waits until it is ready. */
async function startDaemon(): Promise<void> {
  const state = join(user.runtimeDir, "berth");
  scope.defer(() => removeEngineLeftovers(join(state, "berth.sock"), state));
  const daemon = scope.use(await user.start("berthd", []));
  scope.defer(() => daemon.stop());
  let hasEnded = false;
  void daemon.result.then(() => {
    hasEnded = true;
  });
  await until("berthd to be ready", () => {
    if (hasEnded) throw new Hopeless(daemon.stderr());
    return daemon.stderr().includes("berthd ready");
  });
}

const berth = (...args: string[]): Promise<ProgramResult> => user.run("berth", args);

async function done(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await berth(...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

describe("a daemon of an ordinary user", () => {
  test("keeps to the user's folders, and runs processes", async () => {
    await startDaemon();
    expect(readdirSync(join(user.home, ".local/share/berth"))).toContain("metadata.db");
    expect(lstatSync(join(user.runtimeDir, "berth/berth.sock")).isSocket()).toBe(true);
    const ran = await berth("run", "--rm", "p", "sh", "-c", "id -u; umask; exit 3");
    expect(ran).toMatchObject({ code: 3, stdout: `${user.uid}\n0022\n`, stderr: "" });
    // What a task needs for a while is gone with it.
    expect(readdirSync(join(user.runtimeDir, "berth/fifo"))).toEqual([]);
  });

  test("tells which right a task would need", async () => {
    await startDaemon();
    const other = await berth("run", "--rm", "--user", "0:0", "p", "true");
    expect(other.code).not.toBe(0);
    expect(other.stderr).toMatch(/process\.user\.uid 0 needs CAP_SETUID: permission denied\n$/);
    mkdirSync(join(user.dir, "rootfs"));
    const container = await berth(
      ...["run", "--rm", "--rootfs", "--runtime", "io.containerd.runc.v2", join(user.dir, "rootfs"), "c", "true"],
    );
    expect(container.code).not.toBe(0);
    expect(container.stderr).toMatch(
      /binary not installed "containerd-shim-runc-v2"|containers take root, and this daemon is of uid \d+/,
    );
    expect(await done("containers", "ls", "-q")).toBe("");
  });

  test("unpacks images: all of it is the user's, nothing of it is closed to the user", async () => {
    await startDaemon();
    const capability = Buffer.from("0100000200200000000000000000000000000000", "hex").toString("latin1");
    const image = testImage([
      testLayer([
        { name: "etc/", type: "5", mode: 0o555, uid: 0 },
        { name: "etc/shadow", mode: 0, uid: 0, gid: 42, body: "secret" },
        { name: "etc/of", uid: 1000, gid: 1000, body: "somebody", pax: { "SCHILY.xattr.user.a": "1" } },
        { name: "bin/", type: "5" },
        { name: "bin/su", mode: 0o4755, body: "su" },
        { name: "bin/ping", mode: 0o755, body: "ping", pax: { "SCHILY.xattr.security.capability": capability } },
        { name: "dev/", type: "5" },
        { name: "dev/null", type: "3", major: 1, minor: 3, mode: 0o666 },
        { name: "dev/zero", type: "1", linkName: "dev/null" },
        { name: "dev/fifo", type: "6", mode: 0o600 },
        { name: "gone", body: "x" },
      ]),
      testLayer([
        { name: "etc/new", body: "over a closed folder", uid: 7 },
        { name: ".wh.gone" },
        { name: "bin/link", type: "2", linkName: "su", uid: 5 },
      ]),
    ]);
    const file = join(user.dir, "image.tar");
    writeFileSync(file, ociArchive(image, "example.com/rootless:1"));
    chmodSync(file, 0o644);
    await done("images", "import", file);
    const snapshots = join(user.home, ".local/share/berth/io.containerd.snapshotter.v1.native/snapshots");
    const [first = "", second = ""] = readdirSync(snapshots).sort();
    expect(readdirSync(join(snapshots, first)).sort()).toEqual(["bin", "dev", "etc", "gone"]);
    const at = (path: string) => lstatSync(join(snapshots, second, path));
    const paths = ["etc", "etc/shadow", "etc/of", "etc/new", "bin/su", "bin/ping", "bin/link", "dev/fifo"];
    for (const path of paths) expect([path, at(path).uid]).toEqual([path, user.uid]);
    expect(at("etc").mode & 0o7777).toBe(0o755);
    expect(at("etc/shadow").mode & 0o7777).toBe(0o400);
    expect(at("bin/su").mode & 0o7777).toBe(0o755);
    expect(at("dev/fifo").isFIFO()).toBe(true);
    expect(readdirSync(join(snapshots, second, "dev"))).toEqual(["fifo"]);
    expect(readdirSync(join(snapshots, second)).sort()).toEqual(["bin", "dev", "etc"]);
    expect(readFileSync(join(snapshots, second, "etc/new"), "utf8")).toBe("over a closed folder");
    expect(getXattr(join(snapshots, second, "etc/of"), "user.a")?.toString()).toBe("1");
    expect(getXattr(join(snapshots, second, "bin/ping"), "security.capability")).toBeUndefined();
    // A program may close its own folders; they go all the same.
    chmodSync(join(snapshots, second, "etc"), 0o500);
    await done("images", "rm", "--sync", "example.com/rootless:1");
    expect(readdirSync(snapshots)).toEqual([]);
  });

  test("makes layers of what has changed", async () => {
    await startDaemon();
    const image = testImage([testLayer([{ name: "a", body: "1" }])]);
    const file = join(user.dir, "image.tar");
    writeFileSync(file, ociArchive(image, "example.com/rootless:1"));
    await done("images", "import", file);
    const [parent = ""] = (await done("snapshots", "--snapshotter", "native", "ls"))
      .split("\n")
      .flatMap((line) => /sha256:[0-9a-f]+/.exec(line) ?? []);
    await done("snapshots", "--snapshotter", "native", "prepare", "work", parent);
    const mounts = await done("snapshots", "--snapshotter", "native", "mounts", "/none", "work");
    const source = /\/\S+\/snapshots\/\d+/.exec(mounts)?.[0] ?? "";
    writeFileSync(join(source, "b"), "2");
    expect((await done("snapshots", "--snapshotter", "native", "diff", "work")).length).toBeGreaterThan(0);
  });

  test("does not offer what takes mounts", async () => {
    await startDaemon();
    const refused = await berth("snapshots", "--snapshotter", "overlayfs", "ls");
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/overlayfs/);
  });
});

describe("berthd says why it cannot be", () => {
  async function refusal(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
    const { code, stderr } = await user.run("berthd", args, env);
    expect(code).toBe(1);
    return stderr;
  }

  test("in a runtime folder that is open to others", async () => {
    chmodSync(user.runtimeDir, 0o755);
    expect(await refusal([])).toBe(
      `berthd: ${user.runtimeDir} must be a folder of uid ${user.uid} with mode 0700: ` +
        `it is of uid ${user.uid} with mode 0755: permission denied\n`,
    );
    expect(readdirSync(user.runtimeDir)).toEqual([]);
    const { code, stderr } = await berth("tasks", "ls");
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/^berth: .* must be a folder of uid \d+ with mode 0700: .*: permission denied\n$/);
  });

  test("in somebody else's runtime folder", async () => {
    expect(await refusal([], { XDG_RUNTIME_DIR: "/sys" })).toMatch(
      /^berthd: \/sys must be a folder of uid \d+ with mode 0700: it is of uid 0 with mode 0\d+: permission denied\n$/,
    );
  });

  test.each([
    ["root folder", "--root"],
    ["state folder", "--state"],
    ["folder of the socket", "--address"],
  ])("%s", async (what, flag) => {
    const place = flag === "--address" ? "/usr/berth-test/b.sock" : "/usr/berth-test";
    const named = flag === "--address" ? dirname(place) : place;
    const rest = flag === "--state" ? ["--address", join(user.dir, "b.sock")] : [];
    expect(await refusal([flag, place, ...rest])).toMatch(
      new RegExp(
        `^berthd: ${what} ${named}: uid ${user.uid} may not write to /usr \\(of uid 0, mode 0\\d+\\): permission denied\n$`,
      ),
    );
  });
});
