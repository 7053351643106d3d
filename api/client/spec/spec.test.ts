import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { capabilitiesOfMask, parseCapability } from "./capabilities.js";
import { createSpec, mergeEnv } from "./create-spec.js";
import { DEFAULT_CAPABILITIES, DEFAULT_PATH } from "./default-spec.js";
import { deviceNumbers, findDevices } from "./devices.js";
import { execProcess } from "./exec-process.js";
import { resolveInRoot } from "./rootfs-path.js";
import { lookUpUser, parseGroup, parsePasswd } from "./user.js";

const base = { namespace: "ns", id: "c1", rootfs: "/r", args: ["true"] };

describe("createSpec", () => {
  test("without options is containerd's default with a PATH", () => {
    const spec = createSpec(base);
    expect(spec.root).toEqual({ path: "/r" });
    expect(spec.linux.cgroupsPath).toBe("/ns/c1");
    expect(spec.process).toMatchObject({ args: ["true"], cwd: "/", env: [DEFAULT_PATH], noNewPrivileges: true });
    expect(spec.process.capabilities?.bounding).toEqual(DEFAULT_CAPABILITIES);
    expect(spec.linux.namespaces.map(({ type }) => type)).toEqual(["pid", "ipc", "uts", "mount", "network"]);
    expect(spec.mounts.map(({ destination }) => destination)).toEqual([
      ...["/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys", "/run"],
    ]);
  });

  test("two specs share nothing", () => {
    const [one, other] = [createSpec(base), createSpec(base)];
    one.mounts[0]?.options.push("x");
    one.linux.namespaces.pop();
    one.process.capabilities?.effective.pop();
    one.linux.resources.devices.pop();
    expect(other).toEqual(createSpec(base));
  });

  test.each([
    [{ readOnly: true }, { root: { path: "/r", readonly: true } }],
    [{ hostname: "h" }, { hostname: "h" }],
    [{ cwd: "/tmp" }, { process: { cwd: "/tmp" } }],
    [{ terminal: true }, { process: { terminal: true, env: [DEFAULT_PATH, "TERM=xterm"] } }],
    [{ terminal: true, env: ["TERM=vt100"] }, { process: { env: [DEFAULT_PATH, "TERM=vt100"] } }],
    [{ env: ["PATH=/bin", "A=1", "A=2"] }, { process: { env: ["PATH=/bin", "A=2"] } }],
    [{ memoryLimitBytes: 5 }, { linux: { resources: { memory: { limit: 5 } } } }],
    [
      { cpuShares: 2, cpuQuotaUs: 3, cpuPeriodUs: 4 },
      { linux: { resources: { cpu: { shares: 2, quota: 3, period: 4 } } } },
    ],
    [{ annotations: { a: "b" } }, { annotations: { a: "b" } }],
    [{ cgroup: "/x" }, { linux: { cgroupsPath: "/x" } }],
    [
      { capAdd: ["sys_admin"], capDrop: ["CAP_CHOWN"] },
      { process: { capabilities: { bounding: [...DEFAULT_CAPABILITIES.slice(1), "CAP_SYS_ADMIN"] } } },
    ],
    [{ user: "5:6" }, { process: { user: { uid: 5, gid: 6 } } }],
  ])("%j", (options, want) => {
    expect(createSpec({ ...base, ...options })).toMatchObject(want);
  });

  test("an empty cgroup path is none", () => {
    expect(createSpec({ ...base, cgroup: "" }).linux).not.toHaveProperty("cgroupsPath");
  });

  test("privileged masks nothing and allows every device", () => {
    const { linux, mounts } = createSpec({ ...base, privileged: true });
    expect(linux).not.toHaveProperty("maskedPaths");
    expect(linux).not.toHaveProperty("readonlyPaths");
    expect(linux.resources.devices).toEqual([{ allow: true, access: "rwm" }]);
    expect(linux.devices?.map(({ path }) => path)).toContain("/dev/null");
    expect(mounts.find(({ type }) => type === "sysfs")?.options).toContain("rw");
  });

  test("the host's network brings its names", () => {
    const { linux, mounts, process } = createSpec({ ...base, netHost: true });
    expect(linux.namespaces.map(({ type }) => type)).toEqual(["pid", "ipc", "uts", "mount"]);
    expect(mounts.slice(-2).map(({ destination }) => destination)).toEqual(["/etc/hosts", "/etc/resolv.conf"]);
    expect(process.env?.at(-1)).toMatch(/^HOSTNAME=./);
  });

  test("a namespace that exists replaces the new one", () => {
    const joinNamespaces = [{ type: "network", path: "/proc/1/ns/net" }];
    const { namespaces } = createSpec({ ...base, joinNamespaces }).linux;
    expect(namespaces.filter(({ type }) => type === "network")).toEqual(joinNamespaces);
  });

  test.each([
    [{ cwd: "tmp" }, 'working directory "tmp" must be absolute: invalid argument'],
    [{ capAdd: ["CAP_NOPE"] }, 'capability "CAP_NOPE" is unknown: invalid argument'],
    [{ devices: ["/dev/nope"] }, 'device "/dev/nope" does not exist: invalid argument'],
    [{ devices: ["/etc/passwd"] }, '"/etc/passwd" is no device: invalid argument'],
    [{ user: "a:b:c" }, 'user "a:b:c" is not "user" or "user:group": invalid argument'],
  ])("%j is refused", (options, message) => {
    expect(() => createSpec({ ...base, ...options })).toThrow(message);
  });
});

test("capabilities by mask and by name", () => {
  expect(capabilitiesOfMask("00000000a80425fb")).toHaveLength(14);
  expect(capabilitiesOfMask("21")).toEqual(["CAP_CHOWN", "CAP_KILL"]);
  expect(parseCapability("net_admin")).toBe("CAP_NET_ADMIN");
});

test("device numbers in both of Linux's ranges", () => {
  expect(deviceNumbers(0x103)).toEqual({ major: 1, minor: 3 });
  expect(deviceNumbers(0x12345fff67)).toEqual({ major: 0xfff, minor: 0x1234567 });
  expect(findDevices("/dev/null")).toMatchObject([{ path: "/dev/null", type: "c", major: 1, minor: 3 }]);
});

test("mergeEnv keeps the last value of each key", () => {
  const name = fc.stringMatching(/^[A-Za-z_]{1,3}$/);
  const pairs = fc.array(fc.tuple(name, fc.stringMatching(/^[a-z=]{0,3}$/)));
  fc.assert(
    fc.property(pairs, pairs, (first, second) => {
      const text = (all: readonly (readonly [string, string])[]) => all.map(([key, value]) => `${key}=${value}`);
      const want = [...new Map([...first, ...second])];
      expect(mergeEnv(text(first), text(second))).toEqual(text(want));
    }),
  );
});

test("an exec takes over the container's process, less its terminal", () => {
  const { process } = createSpec({ ...base, terminal: true, env: ["A=1"] });
  const exec = execProcess({ process }, { args: ["ls"], terminal: false, cwd: "/tmp", env: ["B=2"] });
  expect(exec).toMatchObject({ args: ["ls"], cwd: "/tmp", capabilities: process.capabilities });
  expect(exec).not.toHaveProperty("terminal");
  expect(exec.env).toEqual([DEFAULT_PATH, "A=1", "TERM=xterm", "B=2"]);
  expect(() => execProcess({}, { args: [], terminal: false })).toThrow("no process to take over");
});

describe("in a root filesystem", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "bt-"));
    mkdirSync(join(root, "etc"));
    writeFileSync(
      join(root, "etc/passwd"),
      "root:x:0:0:root:/root:/bin/sh\n# comment\nbroken\nbob:x:1000:1001::/:/bin/sh\nbad:x:x:1::/:\n",
    );
    writeFileSync(join(root, "etc/group"), "root:x:0:\nstaff:x:50:alice,bob\nbob:x:1001:bob\n");
  });
  afterEach(() => rmSync(root, { recursive: true }));

  test.each([
    ["root", { uid: 0, gid: 0 }],
    ["bob", { uid: 1000, gid: 1001, additionalGids: [50] }],
    ["1000", { uid: 1000, gid: 1001, additionalGids: [50] }],
    ["7", { uid: 7, gid: 0 }],
    ["7:8", { uid: 7, gid: 8 }],
    ["bob:staff", { uid: 1000, gid: 50 }],
    ["bob:9", { uid: 1000, gid: 9 }],
    ["7:staff", { uid: 7, gid: 50 }],
  ])("user %s", (text, want) => {
    expect(lookUpUser(root, text)).toEqual(want);
  });

  test.each(["nobody", "bob:nogroup", "broken", "bad", "4294967295"])("user %s is not found", (text) => {
    expect(() => lookUpUser(root, text)).toThrow(expect.objectContaining({ kind: "not_found" }));
  });

  test("a link cannot lead out of it", () => {
    const outside = mkdtempSync(join(tmpdir(), "bt-"));
    writeFileSync(join(outside, "passwd"), "eve:x:666:666::/:\n");
    rmSync(join(root, "etc/passwd"));
    for (const target of [join(outside, "passwd"), `../../../../../..${join(outside, "passwd")}`]) {
      symlinkSync(target, join(root, "etc/passwd"));
      expect(() => lookUpUser(root, "eve")).toThrow(expect.objectContaining({ kind: "not_found" }));
      rmSync(join(root, "etc/passwd"));
    }
    rmSync(outside, { recursive: true });
  });

  test("links resolve as they would inside", () => {
    mkdirSync(join(root, "usr/lib"), { recursive: true });
    symlinkSync("/usr", join(root, "a"));
    symlinkSync("../a/lib", join(root, "etc/b"));
    symlinkSync("loop", join(root, "loop"));
    expect(resolveInRoot(root, "/etc/b/x")).toBe(join(root, "usr/lib/x"));
    expect(resolveInRoot(root, "../../x")).toBe(join(root, "x"));
    expect(() => resolveInRoot(root, "loop")).toThrow("too many symbolic links");
  });

  test("files that are missing hold nobody", () => {
    rmSync(join(root, "etc"), { recursive: true });
    expect(lookUpUser(root, "3")).toEqual({ uid: 3, gid: 0 });
    expect(() => lookUpUser(root, "root")).toThrow('user "root" in the root filesystem: not found');
  });
});

test("lines that make no sense are passed over", () => {
  expect(parsePasswd(":x:1:1\na:x:1\na:x:1:2\n\n")).toEqual([{ name: "a", uid: 1, gid: 2 }]);
  expect(parseGroup("a:x:1:b,,c\nx\n")).toEqual([{ name: "a", gid: 1, members: ["b", "c"] }]);
});
