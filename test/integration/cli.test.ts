// What berth's flags do to a container, seen from inside it and from the host, and what its lists print for programs.
import { mkdir, readFile, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Cli, createCli } from "../helpers/cli.js";
import { startBerthd } from "../helpers/daemon.js";
import type { ProgramResult } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";

const lacking = requires.root() || requires.binary("containerd-shim-runc-v2") || requires.binary("runc");

interface Case {
  readonly flags: (dir: string) => readonly string[];
  readonly script: string;
  readonly want: RegExp;
  readonly code?: number;
}

const capabilities = "grep CapEff /proc/self/status";
const CASES: readonly (Case & { readonly name: string })[] = [
  { name: "no flag: a PATH", flags: () => [], script: "env", want: /^PATH=\/usr\/local\/sbin:/m },
  { name: "no flag: a program found by name", flags: () => [], script: "id -u", want: /^0$/ },
  { name: "--env", flags: () => ["--env", "A=1", "--env", "B=x y"], script: 'echo "$A-$B"', want: /^1-x y$/ },
  { name: "--env-file", flags: (dir) => ["--env-file", `${dir}/env`], script: 'echo "$C"', want: /^from-file$/ },
  { name: "--cwd", flags: () => ["--cwd", "/tmp"], script: "pwd", want: /^\/tmp$/ },
  { name: "--user", flags: () => ["--user", "1234:5678"], script: "id -u; id -g", want: /^1234\n5678$/ },
  { name: "--hostname", flags: () => ["--hostname", "somewhere"], script: "hostname", want: /^somewhere$/ },
  {
    name: "--mount",
    flags: (dir) => ["--mount", `type=bind,src=${dir}/shared,dst=/shared,options=rbind:ro`],
    script: "cat /shared/note; touch /shared/x",
    want: /^hello from the host$/,
    code: 1,
  },
  { name: "no --read-only", flags: () => [], script: "touch /tmp/x && echo written", want: /^written$/ },
  { name: "--read-only", flags: () => ["--read-only"], script: "touch /tmp/x || echo refused", want: /^refused$/ },
  { name: "no capability flag", flags: () => [], script: capabilities, want: /00000000a80425fb$/ },
  { name: "--cap-drop", flags: () => ["--cap-drop", "CAP_KILL"], script: capabilities, want: /00000000a80425db$/ },
  { name: "--cap-add", flags: () => ["--cap-add", "CAP_SYS_TIME"], script: capabilities, want: /00000000aa0425fb$/ },
  {
    name: "--privileged",
    flags: () => ["--privileged"],
    script: `${capabilities}; ls /dev/loop-control /dev/kmsg`,
    want: /kmsg/,
  },
  {
    name: "--runtime as a path",
    flags: () => ["--runtime", "/usr/bin/containerd-shim-runc-v2"],
    script: "echo ran",
    want: /^ran$/,
  },
  { name: "--null-io", flags: () => ["--null-io"], script: "echo lost; exit 5", want: /^$/, code: 5 },
];

describe.skipIf(lacking)("berth", () => {
  const scope = new DisposeScope();
  let berth: Cli;
  let client: Client;
  let namespace: string;
  let rootfs: string;
  let dir: string;

  beforeAll(async () => {
    namespace = freshNamespace(scope);
    dir = await tempDir(scope);
    rootfs = await makeRootfs(join(dir, "rootfs"));
    await mkdir(join(dir, "shared"));
    await writeFile(join(dir, "shared/note"), "hello from the host\n");
    await writeFile(join(dir, "env"), "C=from-file\n");
    const engine = await startBerthd(scope);
    berth = createCli("berth", engine, namespace);
    client = scope.use(connect({ address: engine.address, namespace }));
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  /** Runs it detached, hands over the pid, then ends and removes it. */
  async function detached(
    id: string,
    flags: readonly string[],
    look: (pid: number) => Promise<void>,
    args: readonly string[] = ["/bin/sleep", "1000"],
  ): Promise<void> {
    const started = await berth.run(["run", "-d", "--null-io", ...flags, "--rootfs", rootfs, id, ...args]);
    expect(started).toMatchObject({ code: 0, stdout: "", stderr: "" });
    try {
      await look((await client.tasks.get({}, id, "")).pid);
    } finally {
      await berth.run(["t", "rm", "-f", id]);
      await berth.run(["c", "rm", id]);
    }
  }

  /** A file of the cgroup that a process is in, by the names of cgroup v1 (with its controller) and v2. */
  async function cgroupFile(pid: number, controller: string, v1: string, v2: string): Promise<string> {
    const lines = (await readFile(`/proc/${pid}/cgroup`, "utf8")).trim().split("\n");
    const parts = lines.map((line) => line.split(":"));
    const old = parts.find(([, names = ""]) => names.split(",").includes(controller));
    const path = old === undefined ? join(parts[0]?.[2] ?? "", v2) : join(old[1] ?? "", old[2] ?? "", v1);
    return (await readFile(join("/sys/fs/cgroup", path), "utf8")).trim();
  }

  test.each(CASES)("run with $name", async ({ flags, script, want, code = 0 }) => {
    const args = ["run", "--rm", ...flags(dir), "--rootfs", rootfs, "flags", "sh", "-c", script];
    const result: ProgramResult = await berth.run(args);
    expect(result.stdout.trim()).toMatch(want);
    expect(result.code).toBe(code);
  });

  test("run --net-host shares the host's network, and nothing else does", async () => {
    const host = await readlink("/proc/self/ns/net");
    const inside = async (...flags: string[]): Promise<string> => {
      const args = ["run", "--rm", ...flags, "--rootfs", rootfs, "net", "readlink", "/proc/self/ns/net"];
      return (await berth.run(args)).stdout.trim();
    };
    expect(await inside("--net-host")).toBe(host);
    expect(await inside()).toMatch(/^net:\[\d+\]$/);
    expect(await inside()).not.toBe(host);
  });

  test("run --memory-limit and --cpus reach the cgroup", async () => {
    await detached("limits", ["--memory-limit", "64m", "--cpus", "0.5"], async (pid) => {
      expect(await cgroupFile(pid, "memory", "memory.limit_in_bytes", "memory.max")).toBe(String(64 << 20));
      expect(await cgroupFile(pid, "cpu", "cpu.cfs_quota_us", "cpu.max")).toMatch(/^50000( 100000)?$/);
    });
  });

  test("run --pid-file names the process, --label the container", async () => {
    const file = join(dir, "pid");
    await detached("named", ["--pid-file", file, "--label", "tier=one"], async (pid) => {
      expect(await readFile(file, "utf8")).toBe(String(pid));
      const found = await berth.run(["c", "ls", "-q", "labels.tier==one"]);
      expect(found.stdout).toBe("named\n");
    });
  });

  test("run --log-uri writes the output to a file", async () => {
    const file = join(dir, "output.log");
    const args = [
      "run",
      "--rm",
      "--log-uri",
      `file://${file}`,
      "--rootfs",
      rootfs,
      "log",
      "sh",
      "-c",
      "echo out; exit 4",
    ];
    expect(await berth.run(args)).toMatchObject({ code: 4, stdout: "" });
    expect(await readFile(file, "utf8")).toBe("out\n");
  });

  test("lists are JSON for programs", async () => {
    await berth.run(["ns", "create", "other", "a=b"]);
    await berth.run(["leases", "create", "--id", "held"]);
    await detached("listed", ["--label", "k=v"], async (pid) => {
      const json = async (...args: string[]): Promise<unknown> => {
        const result = await berth.run(["--format", "json", ...args]);
        expect(result).toMatchObject({ code: 0, stderr: "" });
        return JSON.parse(result.stdout);
      };
      expect(await json("c", "ls")).toMatchObject([{ id: "listed", labels: { k: "v" } }]);
      expect(await json("t", "ls")).toMatchObject([{ id: "listed", pid, status: "running" }]);
      expect(await json("ns", "ls")).toContainEqual(expect.objectContaining({ name: "other", labels: { a: "b" } }));
      expect(await json("leases", "ls")).toMatchObject([{ id: "held" }]);
      expect(await json("plugins", "ls")).toContainEqual(expect.objectContaining({ id: "tasks" }));
      expect(await json("version")).toMatchObject({ server: { version: expect.stringMatching(/^\d+\.\d+/) } });
    });
  });

  test.each([
    ["an unknown command", ["nonsense"], 2],
    ["an unknown flag", ["c", "ls", "--nonsense"], 2],
    ["a malformed filter", ["c", "ls", "id="], 2],
    ["a container that is missing", ["c", "info", "missing"], 3],
    ["a namespace that exists", ["ns", "create", "twice"], 4],
    ["a program that is missing", ["run", "--rm", "--rootfs", "ROOTFS", "broken", "/bin/not-there"], 125],
  ])("%s: one line on stderr and its own exit status", async (_name, args, code) => {
    await client.namespaces.create({}, { name: "twice", labels: {} }).catch(() => undefined);
    const result = await berth.run(args.map((arg) => (arg === "ROOTFS" ? rootfs : arg)));
    expect(result.stdout).toBe("");
    expect(result.stderr).toMatch(/^berth: [^\n]+\n(hint: [^\n]+\n)?$/);
    expect(result.code).toBe(code);
  });

  test("nothing is left in the namespace", async () => {
    expect((await berth.run(["c", "ls", "-q"])).stdout).toBe("");
    expect((await berth.run(["t", "ls", "-q"])).stdout).toBe("");
  });
});
