// What a spec may ask for beyond a client's default: what it becomes at Docker, or the name under which it is refused.
import { describe, expect, test } from "vitest";
import { clientSpec, type JsonObject } from "../../../../test/helpers/client-specs.js";
import { dockerBody } from "../../../../test/helpers/docker-bodies.js";

describe("what is asked for beyond a default spec", () => {
  const host = (changes: JsonObject, options: JsonObject = {}) =>
    dockerBody(clientSpec("", changes), options).HostConfig;
  const mount = (destination: string, type: string, options: readonly string[], source = "/x"): JsonObject => {
    const { mounts } = clientSpec();
    return { mounts: [...(mounts as readonly JsonObject[]), { destination, type, source, options }] };
  };
  const process = (changes: JsonObject): JsonObject => ({ process: changes });
  const linux = (changes: JsonObject): JsonObject => ({ linux: changes });
  const resources = (changes: JsonObject): JsonObject => linux({ resources: changes });
  const namespaces = (...types: readonly (string | JsonObject)[]) =>
    linux({ namespaces: types.map((type) => (typeof type === "string" ? { type } : type)) });
  const ALL = ["CAP_CHOWN", "CAP_KILL"];

  const TRANSLATED: readonly [what: string, changes: JsonObject, want: object][] = [
    ["a place among the cgroups", linux({ cgroupsPath: "/lab/jobs" }), { CgroupParent: "/lab/jobs" }],
    ["a slice of systemd", linux({ cgroupsPath: "lab.slice:x:y" }), { CgroupParent: "lab.slice" }],
    ["its own cgroups", namespaces("mount", "pid", "ipc", "uts", "network", "cgroup"), { CgroupnsMode: "private" }],
    [
      "the host's of everything",
      namespaces("mount"),
      { PidMode: "host", IpcMode: "host", UTSMode: "host", NetworkMode: "host", CgroupnsMode: "host" },
    ],
    [
      "another container's",
      namespaces(
        "mount",
        "uts",
        { type: "pid", path: "container:a" },
        { type: "ipc", path: "container:b" },
        { type: "network", path: "container:c" },
      ),
      { PidMode: "container:a", IpcMode: "container:b", NetworkMode: "container:c" },
    ],
    [
      "no capabilities",
      process({ capabilities: { bounding: [], effective: [], permitted: [] } }),
      { CapDrop: ["ALL"] },
    ],
    [
      "few capabilities, inheritable as older clients have them",
      process({ capabilities: { bounding: ALL, effective: ALL, permitted: ALL, inheritable: ALL } }),
      { CapDrop: expect.not.arrayContaining(ALL) },
    ],
    [
      "limits",
      process({
        oomScoreAdj: -5,
        rlimits: [{ type: "RLIMIT_CORE", soft: 1, hard: 2 ** 64 }],
      }),
      { OomScoreAdj: -5, Ulimits: [{ Name: "core", Soft: 1, Hard: -1 }] },
    ],
    [
      "a label of SELinux",
      process({ selinuxLabel: "system_u:system_r:container_t:s0:c1,c2" }),
      {
        SecurityOpt: [
          ...["no-new-privileges", "label=user:system_u", "label=role:system_r", "label=type:container_t"],
          "label=level:s0:c1,c2",
        ],
      },
    ],
    ["groups", process({ user: { additionalGids: [7] } }), { GroupAdd: ["7"] }],
    ["a size of the terminal", process({ consoleSize: { height: 2, width: 3 } }), { ConsoleSize: [2, 3] }],
    ["kernel settings", linux({ sysctl: { "net.ipv4.ip_forward": "1" } }), { Sysctls: { "net.ipv4.ip_forward": "1" } }],
    ["nothing hidden", linux({ maskedPaths: null, readonlyPaths: null }), { MaskedPaths: [], ReadonlyPaths: [] }],
    [
      "memory",
      resources({ memory: { limit: 8e6, swap: 9e6, reservation: 7e6, swappiness: 0, disableOOMKiller: true } }),
      { Memory: 8e6, MemorySwap: 9e6, MemoryReservation: 7e6, MemorySwappiness: 0, OomKillDisable: true },
    ],
    [
      "processors",
      resources({ cpu: { shares: 2, realtimeRuntime: 3, realtimePeriod: 4, cpus: "0-1", mems: "0" } }),
      { CpuShares: 2, CpuRealtimeRuntime: 3, CpuRealtimePeriod: 4, CpusetCpus: "0-1", CpusetMems: "0" },
    ],
    ["processes", resources({ pids: { limit: 5 } }), { PidsLimit: 5 }],
    ["any number of processes", resources({ pids: { limit: -1 } }), { PidsLimit: -1 }],
    ["a share of the disks", resources({ blockIO: { weight: 10 } }), { BlkioWeight: 10 }],
    [
      "rules for devices",
      resources({
        devices: [
          { allow: true, access: "rwm" },
          { allow: false, access: "rwm" },
          { allow: false, type: "c", major: 10, minor: 229, access: "rwm" },
          { allow: true, type: "c", major: 1, minor: 3, access: "r" },
          { allow: true, type: "b", access: "m" },
          { allow: true, type: "c", major: 10, minor: -1 },
        ],
      }),
      { DeviceCgroupRules: ["c 10:* rwm"] },
    ],
    ["every device", resources({ devices: [{ allow: true, access: "rwm" }] }), { DeviceCgroupRules: ["a *:* rwm"] }],
    [
      "a folder of the host, and not what is mounted in it",
      mount("/x", "none", ["bind", "rw", "rslave"]),
      {
        Mounts: [
          {
            Type: "bind",
            Source: "/x",
            Target: "/x",
            ReadOnly: false,
            BindOptions: { Propagation: "rslave", NonRecursive: true },
          },
        ],
      },
    ],
    [
      "memory as files",
      mount("/x", "tmpfs", ["noexec", "nodev", "mode=0700", "uid=5"]),
      { Tmpfs: { "/x": "noexec,nodev,mode=0700,uid=5,suid" } },
    ],
    ["another /run", mount("/run", "tmpfs", ["nosuid", "size=1m"]), { Tmpfs: { "/run": "nosuid,size=1m,exec,dev" } }],
    ["a larger /dev/shm", mount("/dev/shm", "tmpfs", ["nosuid", "size=128m"]), { ShmSize: 134_217_728 }],
  ];
  test.each(TRANSLATED)("%s", (_what, changes, want) => {
    expect(host(changes)).toMatchObject(want);
  });

  const rule = (...more: readonly JsonObject[]) => resources({ devices: [{ allow: false, access: "rwm" }, ...more] });
  test.each<[JsonObject, refused: string]>([
    [{ root: { path: "/somewhere" } }, "root.path"],
    [{ hooks: { poststop: [{ path: "/x" }] } }, "hooks"],
    [{ vm: { kernel: { path: "/x" } } }, "vm"],
    [process({ user: { umask: 0o77 } }), "process.user.umask"],
    [process({ user: { username: "x" } }), "process.user.username"],
    [process({ env: ["A"] }), "process.env (an entry without name or value)"],
    [process({ terminal: true }), "process.terminal (the task's own is another)"],
    [process({ capabilities: { ambient: ["CAP_CHOWN"] } }), "process.capabilities.ambient"],
    [process({ capabilities: { inheritable: ["CAP_CHOWN"] } }), "process.capabilities.inheritable"],
    [
      process({ capabilities: { permitted: ["CAP_CHOWN"] } }),
      "process.capabilities.permitted (other than the bounding set)",
    ],
    [process({ capabilities: { effective: [] } }), "process.capabilities.effective (other than the bounding set)"],
    [process({ rlimits: [{ type: "RLIMIT_AS", soft: 1, hard: 1 }] }), "process.rlimits (RLIMIT_AS)"],
    [process({ selinuxLabel: "x" }), "process.selinuxLabel (not user:role:type:level)"],
    [process({ scheduler: { policy: "SCHED_FIFO" } }), "process.scheduler"],
    [process({ ioPriority: { class: "IOPRIO_CLASS_RT", priority: 0 } }), "process.ioPriority"],
    [linux({ seccomp: { defaultAction: "SCMP_ACT_ALLOW", listenerPath: "/x" } }), "linux.seccomp.listenerPath"],
    [linux({ uidMappings: [{ containerID: 0, hostID: 1, size: 1 }] }), "linux.uidMappings"],
    [linux({ personality: { domain: "LINUX32" } }), "linux.personality"],
    [linux({ timeOffsets: { monotonic: { secs: 1 } } }), "linux.timeOffsets"],
    [linux({ mountLabel: "x" }), "linux.mountLabel"],
    [namespaces("pid", "network"), "linux.namespaces (the host's mounts)"],
    [namespaces("mount", "time"), "linux.namespaces (time)"],
    [namespaces("mount", { type: "uts", path: "container:x" }), "linux.namespaces (uts of container:x)"],
    [resources({ hugepageLimits: [{ pageSize: "2MB", limit: 0 }] }), "linux.resources.hugepageLimits"],
    [resources({ network: { classID: 1 } }), "linux.resources.network"],
    [resources({ rdma: { mlx5_1: { hcaHandles: 3 } } }), "linux.resources.rdma"],
    [resources({ unified: { "memory.high": "1" } }), "linux.resources.unified"],
    [resources({ memory: { kernel: 1 } }), "linux.resources.memory.kernel"],
    [resources({ memory: { checkBeforeUpdate: true } }), "linux.resources.memory.checkBeforeUpdate"],
    [resources({ cpu: { burst: 1 } }), "linux.resources.cpu.burst"],
    [resources({ cpu: { idle: 1 } }), "linux.resources.cpu.idle"],
    [resources({ blockIO: { leafWeight: 1 } }), "linux.resources.blockIO.leafWeight"],
    [
      resources({ blockIO: { throttleReadBpsDevice: [{ major: 4095, minor: 1, rate: 5 }] } }),
      "linux.resources.blockIO.throttleReadBpsDevice (no disk 4095:1 on this host)",
    ],
    [rule({ allow: false, type: "c", major: 1, minor: 3 }), "linux.resources.devices (deny c 1:3 rwm)"],
    [
      rule({ allow: true, type: "c", major: 10 }, { allow: false, type: "c", major: 10, minor: 1, access: "w" }),
      "linux.resources.devices (deny c 10:1 w)",
    ],
    [linux({ devices: [{ path: "/dev/x", type: "p" }] }), "linux.devices /dev/x (of type p)"],
    [
      linux({ devices: [{ path: "/dev/null", type: "c", major: 10, minor: 229 }] }),
      "linux.devices /dev/null (another device than the host's)",
    ],
    [
      linux({ devices: [{ path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 0o600 }] }),
      "linux.devices /dev/null (other rights than the host's)",
    ],
    [mount("/x", "bind", ["rbind", "noexec"]), "mount /x (noexec)"],
    [mount("/x", "bind", ["rbind", "unbindable"]), "mount /x (unbindable)"],
    [mount("/x", "bind", ["rbind"], "here"), "mount /x (from here)"],
    [mount("/x", "overlay", ["lowerdir=/a"]), "mount /x (of type overlay)"],
    [mount("/x", "tmpfs", ["tmpcopyup"]), "mount /x (tmpcopyup)"],
    [mount("/proc", "proc", ["hidepid=2"]), "mount /proc (hidepid=2)"],
    [mount("/dev/shm", "tmpfs", ["size=50%"]), "mount /dev/shm (size=50%)"],
    [mount("/sys/fs/cgroup", "cgroup", ["rw"]), "mount /sys/fs/cgroup (rw)"],
    [{ mounts: [{ destination: "/x", source: "/x" }] }, "mount /x (without a type)"],
    [
      { mounts: [{ destination: "/x", type: "bind", source: "/x", options: ["rbind"], uidMappings: [{ size: 1 }] }] },
      "mounts[0].uidMappings",
    ],
  ])("%j is refused", (changes, refused) => {
    const given = clientSpec("", changes);
    expect(() => dockerBody(given)).toThrow(
      expect.objectContaining({
        kind: "invalid_argument",
        message: expect.stringContaining(`a Docker container cannot have ${refused}`),
      }),
    );
    // Or left out, where that is what is wanted.
    expect(dockerBody(given, { isolation: "ignore" }).HostConfig).toBeDefined();
  });

  test("all that is refused is named at once", () => {
    const given = clientSpec("", { hooks: { poststop: [{ path: "/x" }] }, root: { path: "/x" } });
    expect(() => dockerBody(given)).toThrow("a Docker container cannot have hooks, root.path: invalid argument");
  });

  test("names", () => {
    const names = { Hostname: "web", Domainname: "example.com" };
    expect(dockerBody(clientSpec("", { hostname: "web", domainname: "example.com" }))).toMatchObject(names);
  });

  test("members that say nothing are no wishes", () => {
    const given = clientSpec("", {
      hooks: { poststop: [] },
      linux: { uidMappings: [], resources: { memory: { kernel: 0 }, hugepageLimits: [] } },
    });
    expect(dockerBody(given)).toEqual(dockerBody(clientSpec()));
  });

  test("a spec without namespaces leaves isolation to Docker", () => {
    expect(dockerBody({ process: { args: ["x"], cwd: "/" } }).HostConfig).toEqual({});
  });

  test.each([
    ["not JSON", "{", "spec is not JSON"],
    ["a number for a text", { process: { args: [1] } }, "invalid spec: process.args.0: "],
    ["a NUL", { process: { args: ["a\0b"] } }, "invalid spec: process.args.0: a NUL in a string"],
    ["no program", { process: { args: [], cwd: "/" } }, "args must not be empty"],
    ["an empty program", { process: { args: [""], cwd: "/" } }, 'exec: "": executable file not found in $PATH'],
    ["no folder", { process: { args: ["x"] } }, "Cwd property must not be empty"],
    ["a folder from nowhere", { process: { args: ["x"], cwd: "y" } }, "Cwd must be an absolute path"],
  ])("%s is an error", (_what, spec, message) => {
    expect(() => dockerBody(spec)).toThrow(
      expect.objectContaining({ kind: "invalid_argument", message: expect.stringContaining(message) }),
    );
  });
});
