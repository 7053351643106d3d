// What real clients ask for, by default and with flags, as bodies of Docker's create; and what of it is refused.
import { describe, expect, test } from "vitest";
import { clientSpec, recordedSpecs } from "../../../../test/helpers/client-specs.js";
import { dockerBody } from "../../../../test/helpers/docker-bodies.js";

const MASKED = [
  ...["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list"],
  ...["/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi"],
];
const READONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
const DEFAULT_HOST = {
  MaskedPaths: MASKED,
  ReadonlyPaths: READONLY,
  SecurityOpt: ["no-new-privileges"],
  Ulimits: [{ Name: "nofile", Soft: 1024, Hard: 1024 }],
  CgroupnsMode: "host",
};
const DEFAULT_BODY = {
  Image: "example.com/app:1",
  Entrypoint: ["sleep", "1"],
  Cmd: [],
  WorkingDir: "/",
  User: "0:0",
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  AttachStdin: false,
  AttachStdout: true,
  AttachStderr: true,
  Healthcheck: { Test: ["NONE"] },
  HostConfig: DEFAULT_HOST,
};

describe("the spec of a real client", () => {
  test("is Docker's default container for ctr's default", () => {
    expect(dockerBody(clientSpec())).toEqual(DEFAULT_BODY);
  });

  const { SecurityOpt: _, ...allowingNewPrivileges } = DEFAULT_HOST;
  const ACCEPTED: readonly [name: string, body: object, host?: object][] = [
    ["--tty --env A=b", { Env: ["A=b", "TERM=xterm"], Tty: true, AttachStderr: false }],
    [
      "--read-only --cwd /tmp --allow-new-privs",
      { WorkingDir: "/tmp", HostConfig: { ...allowingNewPrivileges, ReadonlyRootfs: true } },
    ],
    ["--net-host", { Env: ["HOSTNAME=vm"] }, { NetworkMode: "host" }],
    ["--cap-add CAP_SYS_ADMIN --cap-drop CAP_CHOWN", {}, { CapAdd: ["CAP_SYS_ADMIN"], CapDrop: ["CAP_CHOWN"] }],
    ["--memory-limit 67108864", {}, { Memory: 67_108_864, MemorySwap: -1 }],
    ["--cpu-quota 5000 --cpu-period 10000", {}, { CpuQuota: 5000, CpuPeriod: 10_000 }],
    ["--annotation x=y --label q=r", {}, { Annotations: { q: "r", x: "y" } }],
    [
      "--mount type=bind,src=/tmp,dst=/host,options=rbind:ro",
      {},
      { Mounts: [{ Type: "bind", Source: "/tmp", Target: "/host", ReadOnly: true, BindOptions: {} }] },
    ],
    [
      "--mount type=tmpfs,src=tmpfs,dst=/scratch,options=nosuid:size=65536k",
      {},
      { Tmpfs: { "/scratch": "nosuid,size=65536k,exec,dev" } },
    ],
    [
      "--seccomp --seccomp-profile seccomp.json",
      {},
      {
        SecurityOpt: [
          "no-new-privileges",
          'seccomp={"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64"],"syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":1}]}',
        ],
      },
    ],
    ["--apparmor-profile example", {}, { SecurityOpt: ["no-new-privileges", "apparmor=example"] }],
    [
      "example.com/app:1",
      { Entrypoint: ["/bin/sh", "-c", "id"], Env: ["PATH=/bin", "A=b"], WorkingDir: "/srv", User: "1000:1001" },
      { GroupAdd: ["1001", "1002"] },
    ],
    ["berth.test/busybox:1", { Entrypoint: ["/bin/sh"], Env: ["PATH=/bin"] }, { GroupAdd: ["0"] }],
  ];
  test.each(ACCEPTED)("with %s", (name, body, host = {}) => {
    const terminal = name.startsWith("--tty");
    expect(dockerBody(clientSpec(name), {}, { terminal })).toEqual({
      ...DEFAULT_BODY,
      HostConfig: { ...DEFAULT_HOST, ...host },
      ...body,
    });
  });

  const REFUSED = new Map([
    ["--privileged", "mount /sys (rw)"],
    ["--with-ns network:/proc/1/ns/net", "linux.namespaces (network of /proc/1/ns/net)"],
    ["--with-ns user:/x", "linux.namespaces (user of /x)"],
    ["--rootfs-propagation shared", "linux.rootfsPropagation"],
    ["--rdt-class example", "linux.intelRdt"],
    ["dockerd 20.10.24", "hooks"],
  ]);
  test.each([...REFUSED])("with %s is refused", (name, refused) => {
    expect(() => dockerBody(clientSpec(name))).toThrow(`a Docker container cannot have ${refused}: invalid argument`);
  });

  test("is known here, however it was made", () => {
    // This one is looked up on the host: the integration test has it.
    const devices = "--device /dev/fuse";
    expect([...ACCEPTED.map(([name]) => name), ...REFUSED.keys(), devices].sort()).toEqual([...recordedSpecs()].sort());
  });

  test("of a privileged container makes one, on a host where root lacks nothing", () => {
    const given = clientSpec("--privileged");
    const has = (text: string) => JSON.stringify(given).replaceAll('"CAP_SYS_NICE"', `"CAP_SYS_NICE","${text}"`);
    expect(dockerBody(has("CAP_SYS_RESOURCE")).HostConfig).toMatchObject({ Privileged: true });
    expect(() => dockerBody(has("CAP_OTHER"))).toThrow("mount /sys (rw)");
  });
});
