// Containers that a real Docker engine makes of translated specs: what /proc shows inside, and what the engine says of them.
import { readFile, readlink } from "node:fs/promises";
import Dockerode from "dockerode";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { Metrics as V1 } from "../../api/gen/cgroups/v1/metrics.js";
import { Metrics as V2 } from "../../api/gen/cgroups/v2/metrics.js";
import { openEngine } from "../../runtime/docker/engine.js";
import { checkMade, checkModules } from "../../runtime/drivers/docker/check-kept.js";
import { hostDevice } from "../../runtime/drivers/docker/spec/host-devices.js";
import { translateResources } from "../../runtime/drivers/docker/spec/resources.js";
import { metricsOf } from "../../runtime/drivers/docker/spec/stats.js";
import { V1_METRICS } from "../../runtime/drivers/docker/spec/stats-v1.js";
import { clientSpec, type JsonObject } from "../helpers/client-specs.js";
import { dockerBody } from "../helpers/docker-bodies.js";
import { BUSYBOX, type DockerEngine, startEngine } from "../helpers/docker-engine.js";
import { dockerWorld } from "../helpers/docker-world.js";
import { startPodman } from "../helpers/podman.js";
import { runProgram } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { tempDir } from "../helpers/temp.js";

const lacking = requires.root() || requires.binary("dockerd") || requires.binary("ctr");
const PATH = "PATH=/bin";

/** What Docker keeps to itself, of version 1 and of version 2. */
const UNTOLD =
  /^(memory\.(swap|kernel|kerneltcp)\.|memoryoomcontrol|blkio\.\w+\.\d+\.device|memory\.(usagelimit|swapusage|swaplimit)|io\.usage\.\d+\.[rw]ios|memoryevents|rdma)/;

/** All numbers but zeros in a message as JSON, by path, however a language spells names and large numbers. */
function numbersIn(value: unknown, path = ""): [string, string][] {
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).flatMap(([name, inner]) =>
      numbersIn(inner, `${path === "" ? "" : `${path}.`}${name.replaceAll("_", "").toLowerCase()}`),
    );
    return members.sort(([left], [right]) => (left < right ? -1 : 1));
  }
  const text = typeof value === "number" ? String(BigInt(value)) : String(value);
  return text === "0" ? [] : [[path, text]];
}

describe.skipIf(lacking)("a spec at a real Docker engine", () => {
  const scope = new DisposeScope();
  let engine: DockerEngine;
  let docker: Dockerode;
  beforeAll(async () => {
    engine = await startEngine(scope);
    docker = new Dockerode({ socketPath: engine.socketPath });
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  const bodyOf = (changes: JsonObject, options: JsonObject = {}, name = "") =>
    dockerBody(clientSpec(name, changes), options, {}, BUSYBOX);

  /** Of a container with that program in a shell, to its end. */
  async function outputOf(
    script: string,
    changes: JsonObject = {},
    options: JsonObject = {},
    name = "",
  ): Promise<string> {
    const { process = {}, ...more } = changes as { process?: JsonObject };
    const args = ["sh", "-c", script];
    const body = bodyOf({ ...more, process: { env: [PATH], ...process, args } }, options, name);
    const { id } = await docker.createContainer(body);
    try {
      return await engine.must(["start", "-a", id]);
    } finally {
      await engine.must(["rm", "-f", "-v", id]);
    }
  }

  const field = (status: string, name: string) => new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(status)?.[1];

  test("ctr's default is contained as runc contains it", async () => {
    const script =
      "cat /proc/self/status; ulimit -n; id; for n in pid ipc uts mnt net; do readlink /proc/self/ns/$n; done";
    const output = await outputOf(script);
    // The default capabilities, and no others.
    for (const set of ["CapPrm", "CapEff", "CapBnd"]) expect(field(output, set)).toBe("00000000a80425fb");
    for (const set of ["CapInh", "CapAmb"]) expect(field(output, set)).toBe("0000000000000000");
    expect(field(output, "NoNewPrivs")).toBe("1");
    expect(output).toContain("\n1024\nuid=0(root) gid=0(root)");
    for (const name of ["pid", "ipc", "uts", "mnt", "net"]) {
      expect(output).not.toContain(await readlink(`/proc/self/ns/${name}`));
    }
  });

  test("what a spec asks for is so inside", async () => {
    const source = await tempDir(scope);
    const process = {
      user: { uid: 1000, gid: 1001, additionalGids: [5, 6] },
      cwd: "/srv",
      env: [PATH, "A=b c"],
      oomScoreAdj: 500,
      noNewPrivileges: null,
      rlimits: [
        { type: "RLIMIT_NOFILE", soft: 100, hard: 200 },
        { type: "RLIMIT_CORE", soft: 0, hard: 2 ** 64 },
      ],
      capabilities: { bounding: ["CAP_CHOWN", "CAP_SYS_ADMIN"], effective: [], permitted: [] },
    };
    const script = [
      "cat /proc/self/status /proc/self/oom_score_adj /proc/sys/net/ipv4/ip_forward /proc/mounts",
      'id; pwd; echo "<$A>"; hostname; hostname -d; ulimit -n; ulimit -Hn; ulimit -c; ulimit -Hc',
      "stat -c '%n %a' /scratch; wc -c < /proc/timer_list",
    ].join(";");
    const output = await outputOf(script, {
      process,
      hostname: "web",
      domainname: "example.com",
      root: { readonly: true },
      mounts: [
        { destination: "/scratch", type: "tmpfs", source: "tmpfs", options: ["nosuid", "size=1m", "mode=1770"] },
        { destination: "/host", type: "bind", source, options: ["bind", "ro"] },
        { destination: "/dev/shm", type: "tmpfs", source: "shm", options: ["nosuid", "size=2m"] },
      ],
      linux: {
        sysctl: { "net.ipv4.ip_forward": "1" },
        maskedPaths: ["/proc/timer_list"],
        readonlyPaths: ["/proc/fs"],
      },
    });
    expect(field(output, "CapBnd")).toBe("0000000000200001");
    expect(field(output, "CapEff")).toBe("0000000000000000");
    expect(field(output, "NoNewPrivs")).toBe("0");
    expect(output).toContain("\n500\n1\n");
    expect(output).toContain(
      "uid=1000 gid=1001 groups=5,6,1001\n/srv\n<b c>\nweb\nexample.com\n100\n200\n0\nunlimited\n/scratch 1770\n0",
    );
    const mounts = new Map(output.split("\n").map((line) => [line.split(" ")[1], line]));
    expect(mounts.get("/")).toMatch(/ overlay ro,/);
    expect(mounts.get("/scratch")).toMatch(/ tmpfs rw,nosuid,relatime,size=1024k,mode=1770/);
    expect(mounts.get("/host")).toMatch(/ ro,/);
    expect(mounts.get("/dev/shm")).toMatch(/ rw,nosuid,nodev,noexec,relatime,size=2048k/);
    expect(mounts.get("/proc/fs")).toMatch(/ proc ro,/);
    expect(mounts.has("/proc/bus")).toBe(false);
  });

  test("what is the host's is shared", async () => {
    const namespaces = [{ type: "mount" }];
    const output = await outputOf("for n in pid ipc uts net; do readlink /proc/self/ns/$n; done", {
      linux: { namespaces },
    });
    const own = (name: string) => readlink(`/proc/${engine.pid}/ns/${name}`);
    expect(output.split("\n")).toEqual(await Promise.all(["pid", "ipc", "uts", "net"].map(own)));
  });

  test("another container's namespaces are joined", async () => {
    const body = bodyOf({ process: { args: ["sleep", "1000"] } });
    const container = await docker.createContainer({
      ...body,
      HostConfig: { ...body.HostConfig, IpcMode: "shareable" },
    });
    try {
      await container.start();
      const path = `container:${container.id}`;
      const types = ["pid", "ipc", "network"];
      const namespaces = [{ type: "mount" }, { type: "uts" }, ...types.map((type) => ({ type, path }))];
      const output = await outputOf("readlink /proc/self/ns/ipc; cat /proc/1/cmdline", {
        linux: { namespaces },
      });
      const { State } = await container.inspect();
      expect(output).toContain(await readlink(`/proc/${State.Pid}/ns/ipc`));
      expect(output).toContain("sleep\0" + "1000");
    } finally {
      await container.remove({ force: true, v: true });
    }
  });

  test("system calls are filtered as the profile says", async () => {
    const name = "--seccomp --seccomp-profile seccomp.json";
    expect(await outputOf("mkdir /x 2>&1 || true", {}, {}, name)).toContain("Operation not permitted");
  });

  test("a device is there, with the rights that its rule gives", async () => {
    const path = "/dev/kmsg";
    const { type, major, minor, fileMode, uid, gid } = hostDevice(path) ?? expect.fail(`no ${path}`);
    const rule = { allow: true, type, major, minor, access: "r" };
    const linux = { devices: [{ path, type, major, minor, fileMode, uid, gid }], resources: { devices: [rule] } };
    const output = await outputOf(`stat -c '%F %t:%T' ${path}; (: > ${path}) 2>&1 || true`, { linux });
    expect(output).toContain("character special file 1:b");
    expect(output).toContain("Operation not permitted");
  });

  test("limits are in the control group, and can be changed", async () => {
    const resources = {
      memory: { limit: 67_108_864, reservation: 33_554_432, swappiness: 10 },
      cpu: { shares: 512, quota: 50_000, period: 100_000, cpus: "0" },
      pids: { limit: 50 },
    };
    const body = bodyOf({ process: { args: ["sleep", "1000"] }, linux: { resources } });
    await using client = openEngine({ host: engine.host });
    const container = await docker.createContainer(body);
    try {
      await checkMade(client, body, container.id);
      const { HostConfig } = await container.inspect();
      expect(HostConfig).toMatchObject({ Memory: 67_108_864, MemorySwap: -1, CpuQuota: 50_000, PidsLimit: 50 });
      const changes = { pids: { limit: 60 }, cpu: { quota: 60_000 }, memory: { limit: 134_217_728 } };
      await container.update(translateResources(Buffer.from(JSON.stringify(changes)), HostConfig.MemorySwap));
      const changed = (await container.inspect()).HostConfig;
      expect(changed).toMatchObject({ Memory: 134_217_728, CpuShares: 512, CpuQuota: 60_000, PidsLimit: 60 });
    } finally {
      await container.remove({ force: true, v: true });
    }
  });

  test("what the engine would leave out is refused", async () => {
    await using client = openEngine({ host: engine.host });
    const labelled = bodyOf({ process: { selinuxLabel: "system_u:system_r:container_t:s0" } });
    const { SecurityOptions } = await docker.info();
    const hasModule = JSON.stringify(SecurityOptions).includes("selinux");
    const check = checkModules(client, labelled);
    if (hasModule) await check;
    else await expect(check).rejects.toThrow("a Docker container cannot have selinux (not on this engine's host)");

    // An engine of the same kind as one whose kernel has no weights.
    const body = bodyOf({ linux: { resources: { blockIO: { weight: 100 } } } });
    const made = await docker.createContainer({ ...body, HostConfig: { ...body.HostConfig, BlkioWeight: 0 } });
    try {
      await expect(checkMade(client, body, made.id)).rejects.toThrow(
        "cannot have BlkioWeight (this engine has dropped it)",
      );
    } finally {
      await made.remove({ force: true });
    }
  });

  test("a task that is refused leaves nothing", async () => {
    const world = await dockerWorld(scope, engine);
    const refused = async (changes: JsonObject, words: string): Promise<void> => {
      const spec = Buffer.from(JSON.stringify(clientSpec("", changes)));
      const created = world.driver.create(world.request("t", ["true"], { spec }));
      await expect(created).rejects.toMatchObject({
        kind: "invalid_argument",
        message: expect.stringContaining(words),
      });
      expect(await world.containers()).toEqual([]);
      expect(await world.driver.hasRemains(world.namespace, "t")).toBe(false);
    };
    await refused({ hooks: { poststop: [{ path: "/x" }] } }, "a Docker container cannot have hooks");
    // The engine itself finds this one too small.
    await refused({ linux: { resources: { memory: { limit: 1 } } } }, "Minimum memory limit");
  });

  test("its metrics are the shim's", async () => {
    const container = await docker.createContainer(bodyOf({ process: { args: ["sleep", "1000"] } }));
    try {
      await container.start();
      // So that nothing changes between two looks.
      await container.pause();
      const words = (await readFile(`/proc/${engine.pid}/cmdline`, "utf8")).split("\0");
      const word = (flag: string) => words[words.indexOf(flag) + 1] ?? "";
      const ctr = [
        "-a",
        word("--containerd"),
        "-n",
        word("--containerd-namespace"),
        "task",
        "metrics",
        "--format",
        "json",
      ];
      const told: unknown = JSON.parse((await runProgram("ctr", [...ctr, container.id])).stdout);
      const any = metricsOf(await container.stats({ stream: false, "one-shot": true }));
      const bytes = any?.value ?? Buffer.alloc(0);
      const ours: unknown = any?.typeUrl === V1_METRICS ? V1.toJSON(V1.decode(bytes)) : V2.toJSON(V2.decode(bytes));
      const isToldByBoth = ([name]: readonly [string, string]) => !UNTOLD.test(name) && !name.startsWith("network");
      expect(numbersIn(ours).filter(isToldByBoth)).toEqual(numbersIn(told).filter(isToldByBoth));
      expect(numbersIn(ours).map(([name]) => name)).toContain("network.0.rxbytes");
    } finally {
      await container.remove({ force: true, v: true });
    }
  });
});

describe.skipIf(requires.root() || requires.binary("podman"))("a spec at Podman", () => {
  const CAPABILITIES = ["CAP_CHOWN", "CAP_SYS_ADMIN"];
  /** Without some of its own Podman raises these limits, for which root may lack the right. */
  const rlimits = ["RLIMIT_NPROC", "RLIMIT_NOFILE"].map((type) => ({ type, soft: 1000, hard: 1000 }));
  const bodyOf = (uid: number, capabilities: JsonObject = {}) => {
    const process = { args: ["cat", "/proc/self/status"], env: [PATH], rlimits, user: { uid, gid: 0 }, capabilities };
    return dockerBody(clientSpec("", { process }), {}, {}, BUSYBOX);
  };

  test("is kept, or refused where Podman would give more", async () => {
    await using scope = new DisposeScope();
    const podman = await startPodman(scope);
    await using engine = openEngine({ host: podman.host, env: {} });
    const docker = new Dockerode({ socketPath: podman.host.replace("unix://", "") });
    const statusIn = async (body: ReturnType<typeof bodyOf>): Promise<string> => {
      const container = await docker.createContainer(body);
      try {
        await checkMade(engine, body, container.id);
        await container.start();
        await container.wait();
        return (await podman.must(["logs", container.id])).toString();
      } finally {
        await container.remove({ force: true });
      }
    };
    const added = { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES };
    expect(await statusIn(bodyOf(1000))).toMatch(/^CapEff:\s*0000000000000000$/m);
    expect(await statusIn(bodyOf(0, added))).toMatch(/^CapBnd:\s*0000000000200001$/m);
    await expect(statusIn(bodyOf(1000, added))).rejects.toThrow(
      "a Podman container cannot have process.capabilities (more than the default ones, for another user than root)",
    );
  });
});
