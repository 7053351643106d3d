// The OCI runtime specification 1.1 as a schema, its Linux part complete. Members that it does not name are an issue of their own
// (`unrecognized_keys`): a runtime passes over them, so they are spelling mistakes as a rule.
// @source opencontainers/runtime-spec specs-go/config.go (v1.1.0)
import * as z from "zod";

const MAX_UINT32 = 0xffff_ffff;
/** Integers of 64 bits lose digits in JavaScript, and are whole all the same. */
const integer = z.number().refine(Number.isInteger, "not a whole number");
const natural = integer.refine((value) => value >= 0, "less than 0");
const uint32 = natural.refine((value) => value <= MAX_UINT32, "too large");
const text = z.string().refine((value) => !value.includes("\0"), "a NUL in a string");
const absolute = text.refine((value) => value.startsWith("/"), "not an absolute path");
const list = <T extends z.ZodType>(item: T) => z.array(item).nullish();
const texts = list(text);

const variable = text.refine((value) => /^[^=]+=/.test(value), "not NAME=value");
const capability = z.string().regex(/^CAP_[A-Z_]+$/, "not a capability, such as CAP_KILL");
const capabilities = z.strictObject({
  bounding: list(capability),
  effective: list(capability),
  inheritable: list(capability),
  permitted: list(capability),
  ambient: list(capability),
});

const rlimit = z
  .strictObject({
    type: z.string().regex(/^RLIMIT_[A-Z]+$/, "not a limit, such as RLIMIT_NOFILE"),
    hard: natural,
    soft: natural,
  })
  .refine(({ hard, soft }) => soft <= hard, "the soft limit is above the hard one");

const process = z.strictObject({
  terminal: z.boolean().nullish(),
  consoleSize: z.strictObject({ height: natural, width: natural }).nullish(),
  user: z
    .strictObject({
      uid: uint32.default(0),
      gid: uint32.default(0),
      umask: uint32.nullish(),
      additionalGids: list(uint32),
      username: z.string().nullish(),
    })
    .nullish(),
  args: z.array(text).min(1, "no program"),
  commandLine: z.string().nullish(),
  env: list(variable),
  cwd: absolute,
  capabilities: capabilities.nullish(),
  rlimits: list(rlimit),
  noNewPrivileges: z.boolean().nullish(),
  apparmorProfile: text.nullish(),
  oomScoreAdj: integer.refine((value) => Math.abs(value) <= 1000, "not between -1000 and 1000").nullish(),
  scheduler: z
    .strictObject({
      policy: z.enum([
        "SCHED_OTHER",
        "SCHED_FIFO",
        "SCHED_RR",
        "SCHED_BATCH",
        "SCHED_ISO",
        "SCHED_IDLE",
        "SCHED_DEADLINE",
      ]),
      nice: integer.nullish(),
      priority: integer.nullish(),
      flags: texts,
      runtime: natural.nullish(),
      deadline: natural.nullish(),
      period: natural.nullish(),
    })
    .nullish(),
  selinuxLabel: text.nullish(),
  ioPriority: z
    .strictObject({
      class: z.enum(["IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"]),
      priority: integer.refine((value) => value >= 0 && value <= 7, "not between 0 and 7"),
    })
    .nullish(),
});

const idMappings = list(z.strictObject({ containerID: uint32, hostID: uint32, size: uint32 }));
const mount = z.strictObject({
  // A relative one is taken from the root, with a warning, by runc.
  destination: text.min(1, "empty"),
  type: text.nullish(),
  source: text.nullish(),
  options: texts,
  uidMappings: idMappings,
  gidMappings: idMappings,
});

const hooks = list(
  z.strictObject({ path: absolute, args: texts, env: list(variable), timeout: integer.positive().nullish() }),
);

const deviceNumber = integer.nullish();
const rates = list(z.strictObject({ major: integer, minor: integer, rate: natural }));
const weight = natural.refine((value) => value <= 1000, "more than 1000");
const resources = z.strictObject({
  devices: list(
    z.strictObject({
      allow: z.boolean(),
      type: z.enum(["a", "b", "c", "u", "p", ""]).nullish(),
      major: deviceNumber,
      minor: deviceNumber,
      access: z
        .string()
        .regex(/^[rwm]*$/, "not made of r, w and m")
        .nullish(),
    }),
  ),
  memory: z
    .strictObject({
      limit: integer.nullish(),
      reservation: integer.nullish(),
      swap: integer.nullish(),
      kernel: integer.nullish(),
      kernelTCP: integer.nullish(),
      swappiness: natural.refine((value) => value <= 200, "more than 200").nullish(),
      disableOOMKiller: z.boolean().nullish(),
      useHierarchy: z.boolean().nullish(),
      checkBeforeUpdate: z.boolean().nullish(),
    })
    .nullish(),
  cpu: z
    .strictObject({
      shares: natural.nullish(),
      quota: integer.nullish(),
      burst: natural.nullish(),
      period: natural.nullish(),
      realtimeRuntime: integer.nullish(),
      realtimePeriod: natural.nullish(),
      cpus: z
        .string()
        .regex(/^[\d,\s-]*$/, "not a list such as 0-3,7")
        .nullish(),
      mems: z
        .string()
        .regex(/^[\d,\s-]*$/, "not a list such as 0-1")
        .nullish(),
      idle: integer.nullish(),
    })
    .nullish(),
  pids: z.strictObject({ limit: integer }).nullish(),
  blockIO: z
    .strictObject({
      weight: weight.nullish(),
      leafWeight: weight.nullish(),
      weightDevice: list(
        z.strictObject({ major: integer, minor: integer, weight: weight.nullish(), leafWeight: weight.nullish() }),
      ),
      throttleReadBpsDevice: rates,
      throttleWriteBpsDevice: rates,
      throttleReadIOPSDevice: rates,
      throttleWriteIOPSDevice: rates,
    })
    .nullish(),
  hugepageLimits: list(
    z.strictObject({ pageSize: z.string().regex(/^[1-9]\d*[KMG]B$/, "not a size such as 2MB"), limit: natural }),
  ),
  network: z
    .strictObject({ classID: uint32.nullish(), priorities: list(z.strictObject({ name: text, priority: uint32 })) })
    .nullish(),
  rdma: z.record(z.string(), z.strictObject({ hcaHandles: uint32.nullish(), hcaObjects: uint32.nullish() })).nullish(),
  unified: z.record(z.string(), z.string()).nullish(),
});

const seccompAction = z.enum([
  ...(["SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP", "SCMP_ACT_ERRNO"] as const),
  ...(["SCMP_ACT_TRACE", "SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY"] as const),
]);
const seccomp = z.strictObject({
  defaultAction: seccompAction,
  defaultErrnoRet: uint32.nullish(),
  architectures: list(z.string().regex(/^SCMP_ARCH_[A-Z0-9_]+$/, "not an architecture, such as SCMP_ARCH_X86_64")),
  flags: texts,
  listenerPath: text.nullish(),
  listenerMetadata: text.nullish(),
  syscalls: list(
    z.strictObject({
      names: z.array(text).min(1, "no system call"),
      action: seccompAction,
      errnoRet: uint32.nullish(),
      args: list(
        z.strictObject({
          index: natural.refine((value) => value <= 5, "more than 5"),
          value: natural,
          valueTwo: natural.nullish(),
          op: z.enum([
            ...(["SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ"] as const),
            ...(["SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"] as const),
          ]),
        }),
      ),
    }),
  ),
});

const namespace = z.strictObject({
  type: z.enum(["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"]),
  path: absolute.or(z.literal("")).nullish(),
});
const linux = z.strictObject({
  uidMappings: idMappings,
  gidMappings: idMappings,
  sysctl: z.record(z.string(), z.string()).nullish(),
  resources: resources.nullish(),
  cgroupsPath: text.nullish(),
  namespaces: list(namespace).refine(
    (all) => new Set((all ?? []).map(({ type }) => type)).size === (all ?? []).length,
    "a type more than once",
  ),
  devices: list(
    z.strictObject({
      path: absolute,
      type: z.enum(["b", "c", "u", "p"]),
      major: deviceNumber,
      minor: deviceNumber,
      fileMode: natural.nullish(),
      uid: uint32.nullish(),
      gid: uint32.nullish(),
    }),
  ),
  seccomp: seccomp.nullish(),
  rootfsPropagation: z
    .enum(["shared", "slave", "private", "unbindable", "rshared", "rslave", "rprivate", "runbindable", ""])
    .nullish(),
  maskedPaths: list(absolute),
  readonlyPaths: list(absolute),
  mountLabel: text.nullish(),
  intelRdt: z
    .strictObject({
      closID: text.nullish(),
      l3CacheSchema: text.nullish(),
      memBwSchema: text.nullish(),
      enableCMT: z.boolean().nullish(),
      enableMBM: z.boolean().nullish(),
    })
    .nullish(),
  personality: z.strictObject({ domain: z.enum(["LINUX", "LINUX32"]), flags: texts }).nullish(),
  timeOffsets: z
    .record(z.enum(["boottime", "monotonic"]), z.strictObject({ secs: integer.nullish(), nanosecs: uint32.nullish() }))
    .nullish(),
});

export const runtimeSpecSchema = z.strictObject({
  ociVersion: z.string().regex(/^1\.\d+\.\d+/, "not a version 1 of the specification, such as 1.1.0"),
  process: process.nullish(),
  root: z.strictObject({ path: text.min(1, "empty"), readonly: z.boolean().nullish() }).nullish(),
  hostname: text.nullish(),
  domainname: text.nullish(),
  mounts: list(mount),
  hooks: z
    .strictObject({
      prestart: hooks,
      createRuntime: hooks,
      createContainer: hooks,
      startContainer: hooks,
      poststart: hooks,
      poststop: hooks,
    })
    .nullish(),
  annotations: z.record(z.string().min(1, "an empty name"), z.string()).nullish(),
  linux: linux.nullish(),
  // For other systems than Linux; none of our runtimes looks at them.
  solaris: z.unknown().optional(),
  windows: z.unknown().optional(),
  vm: z.unknown().optional(),
  zos: z.unknown().optional(),
});
