// What version 2 is told and tells, on files as its kernels have them: few hosts let a test use its controllers.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Metrics } from "../../api/gen/cgroups/v2/metrics.js";
import { CgroupV2, makeV2Group, probeV2 } from "./cgroup-v2.js";
import { v2Settings } from "./cgroup-v2-limits.js";
import type { LinuxResources } from "./resources.js";

const MAX = 2n ** 64n - 1n;
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "berth-cgroup-"));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

function write(files: Readonly<Record<string, string>>, below = ""): void {
  mkdirSync(join(dir, below), { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, below, name), content);
}

const settingsOf = (resources: LinuxResources, cpuMax?: string): string[] =>
  v2Settings(resources, cpuMax).map(({ file, value }) => `${file} ${value}`);

describe("limits", () => {
  test.each<[string, LinuxResources, string[]]>([
    ["nothing", {}, []],
    ["nothing, in other words", { memory: { limit: 0 }, cpu: { cpus: "", quota: 0 }, pids: { limit: 0 } }, []],
    ["memory", { memory: { limit: 100, reservation: 50 } }, ["memory.max 100", "memory.low 50"]],
    [
      "swap, which was counted with memory",
      { memory: { limit: 100, swap: 150 } },
      ["memory.swap.max 50", "memory.max 100"],
    ],
    ["no swap at all", { memory: { limit: 100, swap: 100 } }, ["memory.swap.max 0", "memory.max 100"]],
    [
      "no limits",
      { memory: { limit: -1 }, pids: { limit: -1 } },
      ["memory.swap.max max", "memory.max max", "pids.max max"],
    ],
    ["no limit of swap", { memory: { limit: 100, swap: -1 } }, ["memory.swap.max max", "memory.max 100"]],
    ["the least share", { cpu: { shares: 2 } }, ["cpu.weight 1"]],
    ["the usual share", { cpu: { shares: 1024 } }, ["cpu.weight 39"]],
    ["the greatest share", { cpu: { shares: 262_144 } }, ["cpu.weight 10000"]],
    ["a quota", { cpu: { quota: 5000 } }, ["cpu.max 5000 100000"]],
    ["a quota and a period", { cpu: { quota: 5000, period: 20_000 } }, ["cpu.max 5000 20000"]],
    ["no quota", { cpu: { quota: -1, period: 20_000 } }, ["cpu.max max 20000"]],
    ["processors", { cpu: { cpus: "0-1", mems: "0" } }, ["cpuset.cpus 0-1", "cpuset.mems 0"]],
    ["processes", { pids: { limit: 7 } }, ["pids.max 7"]],
  ])("of %s", (_name, resources, wanted) => {
    expect(settingsOf(resources)).toEqual(wanted);
  });

  test("leave what they do not name", () => {
    expect(settingsOf({ cpu: { period: 20_000 } }, "5000 100000\n")).toEqual(["cpu.max 5000 20000"]);
    expect(settingsOf({ cpu: { quota: 6000 } }, "5000 20000\n")).toEqual(["cpu.max 6000 20000"]);
  });

  test.each<[LinuxResources, string]>([
    [{ memory: { swap: 5 } }, "unable to set swap limit without memory limit: invalid argument"],
    [{ memory: { limit: -1, swap: 5 } }, "unable to set swap limit without memory limit: invalid argument"],
    [{ memory: { limit: 6, swap: 5 } }, "memory+swap limit should be >= memory limit: invalid argument"],
  ])("that contradict themselves are refused", (resources, message) => {
    expect(() => v2Settings(resources)).toThrow(message);
  });

  test("are written, or refused by name without the controller", async () => {
    write({ "cgroup.controllers": "memory pids\n", "memory.max": "", "memory.swap.max": "", "pids.max": "" });
    const group = new CgroupV2(dir);
    await expect(group.update({ pids: { limit: 5 }, cpu: { shares: 5 } })).rejects.toThrow(
      "linux.resources.cpu.shares: not implemented",
    );
    expect(readFileSync(join(dir, "pids.max"), "utf8")).toBe("");
    await group.update({ pids: { limit: 5 }, memory: { limit: 100, swap: 200 } });
    expect(readFileSync(join(dir, "pids.max"), "utf8")).toBe("5");
    expect(readFileSync(join(dir, "memory.max"), "utf8")).toBe("100");
    expect(readFileSync(join(dir, "memory.swap.max"), "utf8")).toBe("100");
  });
});

describe("controllers", () => {
  test("are those that can be handed down", async () => {
    const mount = { folder: dir, own: "/own" };
    const probe = async (path: string) => [...(await probeV2(mount, path)).controllers];
    // The root of all, to root; a group with processes in it, to others.
    write({ "cgroup.controllers": "cpu io memory misc\n", "cgroup.procs": "1\n", "cgroup.subtree_control": "" });
    const own = {
      "cgroup.type": "domain\n",
      "cgroup.controllers": "memory pids\n",
      "cgroup.subtree_control": "pids\n",
    };
    write({ ...own, "cgroup.procs": "1\n" }, "own");
    expect(await probe("relative")).toEqual(["pids"]);
    write({ ...own, "cgroup.procs": "" }, "own");
    expect(await probe("relative")).toEqual(["memory", "pids"]);
    if (process.getuid?.() === 0) expect(await probe("/absolute")).toEqual(["cpu", "io", "memory"]);
    expect((await probeV2({ folder: join(dir, "no"), own: "/" }, "x")).version).toBeUndefined();
  });

  test("are handed down to a new group", async () => {
    const path = process.getuid?.() === 0 ? "/a" : "a";
    write({ "cgroup.controllers": "cpu memory misc\n", "cgroup.subtree_control": "", "cgroup.procs": "" });
    const group = await makeV2Group({ folder: dir, own: "/" }, path);
    expect(group.folders).toEqual([join(dir, "a")]);
    // The kernel takes one word after the other; a file keeps the last.
    expect(readFileSync(join(dir, "cgroup.subtree_control"), "utf8")).toBe("+memory");
  });
});

test("everything that the files tell is in the metrics", async () => {
  write({
    "pids.current": "3\n",
    "pids.max": "max\n",
    "cpu.stat": "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 4\nnr_throttled 5\nthrottled_usec 6\n",
    "memory.current": "4096\n",
    "memory.max": "8192\n",
    "memory.swap.current": "1\n",
    "memory.swap.max": "max\n",
    "memory.stat": "anon 11\nfile 12\nkernel_stack 13\npgfault 14\nthp_collapse_alloc 15\nunknown 16\n",
    "memory.events": "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 6\n",
    "io.stat": "8:16 rbytes=90112 wbytes=1 rios=22 wios=2 dbytes=3 dios=4\n259:0\n",
  });
  const { typeUrl, value } = await new CgroupV2(dir).stats();
  expect(typeUrl).toBe("io.containerd.cgroups.v2.Metrics");
  expect(Metrics.decode(value)).toMatchObject({
    pids: { current: 3n, limit: MAX },
    cpu: { usageUsec: 30n, userUsec: 20n, systemUsec: 10n, nrPeriods: 4n, nrThrottled: 5n, throttledUsec: 6n },
    memory: {
      anon: 11n,
      file: 12n,
      kernelStack: 13n,
      pgfault: 14n,
      thpCollapseAlloc: 15n,
      usage: 4096n,
      usageLimit: 8192n,
      swapUsage: 1n,
      swapLimit: MAX,
    },
    memoryEvents: { low: 1n, high: 2n, max: 3n, oom: 4n, oomKill: 5n, oomGroupKill: 6n },
    io: {
      usage: [
        { major: 8n, minor: 16n, rbytes: 90112n, wbytes: 1n, rios: 22n, wios: 2n },
        { major: 259n, minor: 0n, rbytes: 0n },
      ],
    },
  });
});

test("without controllers every message is there, as clients read them without asking", async () => {
  const metrics = Metrics.decode((await new CgroupV2(dir).stats()).value);
  for (const member of ["pids", "cpu", "memory", "io", "rdma"] as const) expect(metrics[member]).toBeDefined();
});
