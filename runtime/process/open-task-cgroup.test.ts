// Groups of this host, with processes in them. What takes root and a hierarchy of its version says so when it is skipped.
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { isTypeOf } from "../../api/core/typeurl.js";
import { Metrics as V1Metrics } from "../../api/gen/cgroups/v1/metrics.js";
import { Metrics as V2Metrics } from "../../api/gen/cgroups/v2/metrics.js";
import { type CgroupHost, readCgroupHost } from "./cgroup-host.js";
import { removeCgroupFolders } from "./cgroup-kill.js";
import { limitsNotKept } from "./cgroup-support.js";
import { openTaskCgroup, probeCgroups } from "./open-task-cgroup.js";
import type { TaskCgroup } from "./task-cgroup.js";

const MIB = 2 ** 20;
const isRoot = process.getuid?.() === 0;
let host: CgroupHost;
beforeAll(async () => {
  host = await readCgroupHost();
});

let namespace: string;
let group: TaskCgroup | undefined;
let child: ChildProcess | undefined;
beforeEach(() => {
  namespace = `bt-${randomBytes(4).toString("hex")}`;
});
afterEach(async () => {
  child?.kill("SIGKILL");
  await group?.remove();
  expect(leftovers()).toEqual([]);
});

/** The hosts to try: the same machine as if it had only one version. */
function subjects(): { version: 1 | 2; host: CgroupHost }[] {
  const found: { version: 1 | 2; host: CgroupHost }[] = [];
  if (host.v1.has("freezer")) found.push({ version: 1, host: { v1: host.v1, unified: undefined } });
  if (host.unified !== undefined) found.push({ version: 2, host: { v1: new Map(), unified: host.unified } });
  return found;
}

function leftovers(): string[] {
  const mounts = [...host.v1.values(), ...(host.unified === undefined ? [] : [host.unified])];
  return mounts.map(({ folder }) => `${folder}/berth/${namespace}`).filter((folder) => existsSync(folder));
}

/** A shell that has a child, and tells the pids of both. */
async function startTwo(): Promise<number[]> {
  child = spawn("/bin/sh", ["-c", "read go; sleep 1000 & echo $!; exec sleep 1000"], {
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  await once(child, "spawn");
  const pid = child.pid ?? 0;
  await group?.add(pid);
  child.stdin?.write("go\n");
  const [line] = (await once(child.stdout ?? process.stdin, "data")) as [Buffer];
  return [pid, Number(line.toString())];
}

const stateOf = (pid: number): string => /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1] ?? "";

describe.runIf(isRoot)("a group of the task's own (needs root)", () => {
  test("is there in each version that the host has", () => {
    expect(subjects().length).toBeGreaterThan(0);
  });

  test.for([1, 2] as const)("version %s reaches every process, also those born in it", async (version, context) => {
    const subject = subjects().find((one) => one.version === version);
    if (subject === undefined) return context.skip(`needs cgroups of version ${version}`);
    group = await openTaskCgroup({ path: `/berth/${namespace}/a`, host: subject.host });
    if (group === undefined) throw new Error("no group");
    expect(await group.pids()).toEqual([]);
    const pids = await startTwo();
    const parent = once(child ?? process, "exit");
    expect((await group.pids()).sort()).toEqual(pids.sort());

    await group.freeze();
    // Version 1 shows frozen processes as waiting (D), version 2 in the state in which they were.
    if (version === 1) expect(pids.map(stateOf)).toEqual(["D", "D"]);
    const folder = group.folders.at(-1) ?? "";
    if (version === 2) expect(readFileSync(`${folder}/cgroup.events`, "utf8")).toContain("frozen 1");
    await group.thaw();
    if (version === 2) expect(readFileSync(`${folder}/cgroup.events`, "utf8")).toContain("frozen 0");

    const stats = await group.stats();
    const isV1 = isTypeOf(stats, "io.containerd.cgroups.v1.Metrics");
    expect(isV1).toBe(version === 1);
    if (isV1) {
      const metrics = V1Metrics.decode(stats.value);
      expect(metrics.pids).toMatchObject({ current: 2n, limit: 0n });
      expect(metrics.memory?.usage?.usage).toBeGreaterThan(0n);
      expect(metrics.cpu?.usage?.perCpu.length).toBeGreaterThan(0);
    } else {
      expect(V2Metrics.decode(stats.value).cpu?.usageUsec).toBeGreaterThanOrEqual(0n);
    }

    // A group that the task made itself, and a task that is paused, hinder nothing.
    mkdirSync(`${folder}/inner`);
    await group.freeze();
    await group.remove();
    expect(await parent).toEqual([null, "SIGKILL"]);
    await group.remove();
    await group.thaw();
    expect(await group.pids()).toEqual([]);
  });

  test.for([1, 2] as const)("version %s is ended by somebody else who knows its folders", async (version, context) => {
    const subject = subjects().find((one) => one.version === version);
    if (subject === undefined) return context.skip(`needs cgroups of version ${version}`);
    group = await openTaskCgroup({ path: `/berth/${namespace}/a`, host: subject.host });
    await startTwo();
    const exit = once(child ?? process, "exit");
    await group?.freeze();
    await removeCgroupFolders(group?.folders ?? []);
    expect(await exit).toEqual([null, "SIGKILL"]);
    await removeCgroupFolders(group?.folders ?? []);
  });

  test("is made and removed beside many others", async () => {
    const rounds = Array.from({ length: 20 }, async (_, index) => {
      for (let round = 0; round < 3; round += 1) {
        const one = await openTaskCgroup({ path: `/berth/${namespace}/${index}` });
        const member = spawn("sleep", ["1000"], { stdio: "ignore" });
        await once(member, "spawn");
        await one?.add(member.pid ?? 0);
        const exit = once(member, "exit");
        await one?.remove();
        expect(await exit).toEqual([null, "SIGKILL"]);
      }
    });
    await Promise.all(rounds);
  });

  test("is not shared with anybody, and never the root", async () => {
    const path = `/berth/${namespace}/a`;
    group = await openTaskCgroup({ path });
    await startTwo();
    await expect(openTaskCgroup({ path })).rejects.toMatchObject({ kind: "failed_precondition" });
    expect((await group?.pids())?.length).toBe(2);
    for (const bad of ["/", "", "/..", "a/.."]) {
      await expect(openTaskCgroup({ path: bad })).rejects.toMatchObject({ kind: "invalid_argument" });
    }
  });

  test("does not lead out of its hierarchy", async () => {
    group = await openTaskCgroup({ path: `/../../berth/../berth/${namespace}/a` });
    for (const folder of group?.folders ?? []) expect(folder).toMatch(new RegExp(`/berth/${namespace}/a$`));
  });
});

describe("limits of version 1", () => {
  test("are kept, changed, and refused by name when they cannot be", async (context) => {
    const path = `/berth/${namespace}/a`;
    const v1 = { v1: host.v1, unified: undefined };
    const { controllers } = await probeCgroups({ path, host: v1 });
    if (!["memory", "cpu", "cpuset", "pids"].every((name) => controllers.has(name))) {
      context.skip("needs root and the controllers of version 1");
    }
    const resources = {
      memory: { limit: 64 * MIB, reservation: 32 * MIB, swap: 64 * MIB },
      cpu: { shares: 512, quota: 50_000, period: 100_000, cpus: "0", mems: "0" },
      pids: { limit: 20 },
    };
    group = await openTaskCgroup({ path, resources, host: v1 });
    const read = (controller: string, file: string): string =>
      readFileSync(`${host.v1.get(controller)?.folder}${path}/${file}`, "utf8").trim();
    expect(read("memory", "memory.limit_in_bytes")).toBe(String(64 * MIB));
    expect(read("memory", "memory.memsw.limit_in_bytes")).toBe(String(64 * MIB));
    expect(read("memory", "memory.soft_limit_in_bytes")).toBe(String(32 * MIB));
    expect(read("cpu", "cpu.shares")).toBe("512");
    expect(read("cpu", "cpu.cfs_quota_us")).toBe("50000");
    expect(read("cpuset", "cpuset.cpus")).toBe("0");
    expect(read("pids", "pids.max")).toBe("20");

    // Up, down and away, in whatever order the kernel takes memory and swap.
    for (const limit of [128 * MIB, 32 * MIB]) {
      await group?.update({ memory: { limit, swap: limit }, pids: { limit: -1 } });
      expect(read("memory", "memory.limit_in_bytes")).toBe(String(limit));
      expect(read("memory", "memory.memsw.limit_in_bytes")).toBe(String(limit));
    }
    await group?.update({ memory: { limit: -1 } });
    expect(BigInt(read("memory", "memory.memsw.limit_in_bytes"))).toBeGreaterThan(2n ** 60n);
    expect(read("pids", "pids.max")).toBe("max");

    await expect(
      group?.update({ pids: { limit: 5 }, hugepageLimits: [{ pageSize: "2MB", limit: 1 }] }),
    ).rejects.toThrow("linux.resources.hugepageLimits: not implemented");
    expect(read("pids", "pids.max")).toBe("max");
    await expect(group?.update({ cpu: { cpus: "4095" } })).rejects.toMatchObject({ kind: "invalid_argument" });
  });

  test("that the kernel refuses leave no group behind", async (context) => {
    const path = `/berth/${namespace}/a`;
    const { controllers } = await probeCgroups({ path });
    if (!controllers.has("cpuset")) context.skip("needs root and the controller cpuset");
    await expect(openTaskCgroup({ path, resources: { cpu: { cpus: "4095" } } })).rejects.toMatchObject({
      kind: "invalid_argument",
    });
  });
});

test("without any group there is none, and every limit is told that would not be kept", async () => {
  const nowhere = { v1: new Map(), unified: undefined };
  expect(await openTaskCgroup({ path: "/berth/x/y", host: nowhere })).toBeUndefined();
  const support = await probeCgroups({ path: "/berth/x/y", host: nowhere });
  const resources = {
    memory: { limit: 1, swap: 0, disableOOMKiller: false },
    cpu: { shares: 2, burst: 3 },
    devices: [{ allow: false, access: "rwm" }],
    blockIO: null,
    unified: {},
    pids: {},
  };
  expect(limitsNotKept(resources, support)).toEqual([
    "linux.resources.memory.limit",
    "linux.resources.cpu.shares",
    "linux.resources.cpu.burst",
    "linux.resources.devices",
  ]);
  await expect(openTaskCgroup({ path: "/berth/x/y", resources, host: nowhere })).rejects.toMatchObject({
    kind: "not_implemented",
  });
});
